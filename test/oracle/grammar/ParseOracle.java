import java.nio.charset.StandardCharsets;
import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.Lexer;
import org.antlr.v4.runtime.Parser;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.antlr.v4.runtime.atn.PredictionMode;
import org.antlr.v4.runtime.misc.ParseCancellationException;
import org.apache.shardingsphere.sql.parser.api.parser.SQLParser;
import org.apache.shardingsphere.sql.parser.core.SQLParserFactory;
import org.apache.shardingsphere.sql.parser.oracle.parser.OracleParserFacade;

/** Reads statements with NUL between them, and says of each on a line whether Oracle's grammar takes it. */
public final class ParseOracle {

    private static final OracleParserFacade FACADE = new OracleParserFacade();

    public static void main(final String[] args) throws Exception {
        String all = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        StringBuilder answer = new StringBuilder();
        for (String each : all.split("\0")) {
            answer.append(accepts(each) ? "yes\n" : "no\n");
        }
        System.out.print(answer);
    }

    /** The quick way first; what it refuses is tried by the full one. */
    private static boolean accepts(final String sql) {
        return parses(sql, PredictionMode.SLL) || parses(sql, PredictionMode.LL);
    }

    private static boolean parses(final String sql, final PredictionMode mode) {
        SQLParser parser = SQLParserFactory.newInstance(sql, FACADE.getLexerClass(), FACADE.getParserClass());
        Parser antlr = (Parser) parser;
        Faults faults = new Faults();
        antlr.removeErrorListeners();
        antlr.addErrorListener(faults);
        Lexer lexer = (Lexer) ((CommonTokenStream) antlr.getTokenStream()).getTokenSource();
        lexer.removeErrorListeners();
        lexer.addErrorListener(faults);
        antlr.getInterpreter().setPredictionMode(mode);
        try {
            parser.parse();
        } catch (final ParseCancellationException ex) {
            return false;
        }
        return !faults.any;
    }

    private static final class Faults extends BaseErrorListener {

        private boolean any;

        @Override
        public void syntaxError(final Recognizer<?, ?> recognizer, final Object symbol, final int line, final int column,
                                final String message, final RecognitionException ex) {
            any = true;
        }
    }
}
