import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

import org.opensearch.Version;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.shard.IndexSettingProvider;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;
import org.opensearch.plugins.PluginInfo;

/**
 * Runs OpenSearch's own Node over a home folder of jars. The packaged server's bootstrap, which
 * refuses root and starts a security agent, is not needed for a throwaway server.
 * Arguments: HOME CONFIG
 */
public final class LocalNode extends Node {
    private LocalNode(Environment environment, List<PluginInfo> plugins) {
        super(environment, plugins, true);
    }

    public static void main(String[] arguments) {
        // A linkage error in a worker thread would leave its request without an answer for ever.
        Thread.setDefaultUncaughtExceptionHandler((thread, problem) -> {
            problem.printStackTrace();
            if (problem instanceof Error) {
                Runtime.getRuntime().halt(1);
            }
        });
        try {
            Path home = Path.of(arguments[0]).toAbsolutePath();
            Path config = Path.of(arguments[1]).toAbsolutePath();
            Settings settings = Settings.builder().put("path.home", home.toString()).build();
            Environment environment =
                InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "local");
            LogConfigurator.setNodeName("local");
            LogConfigurator.configure(environment);
            PluginInfo noGraphs = new PluginInfo(
                "no-native-graphs", "", "1", Version.CURRENT, "21", NoNativeGraphs.class.getName(), null,
                List.of(), false);
            LocalNode node = new LocalNode(environment, List.of(noGraphs));
            CountDownLatch over = new CountDownLatch(1);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    node.close();
                } catch (Exception problem) {
                    problem.printStackTrace();
                } finally {
                    over.countDown();
                }
            }));
            node.start();
            over.await();
        } catch (Throwable problem) {
            problem.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /**
     * The k-NN plugin's jar comes without its native libraries. An index of engine faiss works all
     * the same as long as it builds no graph: it is then searched exactly, in Java. Engine lucene
     * takes no notice of the setting.
     */
    public static final class NoNativeGraphs extends Plugin {
        @Override
        public java.util.Collection<IndexSettingProvider> getAdditionalIndexSettingProviders() {
            return List.of(new IndexSettingProvider() {
                @Override
                public Settings getAdditionalIndexSettings(String index, boolean isStream, Settings given) {
                    return given.getAsBoolean("index.knn", false)
                        ? Settings.builder().put("index.knn.advanced.approximate_threshold", -1).build()
                        : Settings.EMPTY;
                }
            });
        }
    }
}
