/** The dependency rules of ARCHITECTURE.md, as functions of what the sources import. */
import type { Import, SourceFacts } from './imports.js';

export interface Violation {
  readonly path: string;
  readonly rule: string;
}

interface Rule {
  readonly name: string;
  readonly appliesTo: (path: string) => boolean;
  /** What a file to which the rule applies may import. */
  readonly allows: (target: Import, from: string) => boolean;
}

const ADAPTER = /^src\/(?:stores|embedders)\/([^/]+)\//u;
const COMPOSITION_ROOT = ['src/runtime.ts', 'src/diagnostics.ts', 'src/embedders/registry.ts'];
const PORTS = ['src/stores/port.ts', 'src/embedders/port.ts', 'src/stores/generations-port.ts'];
/** What a look into a backend finds. */
const INSPECTION = 'src/stores/inspection.ts';
/** What all stores have in common, beside their port. */
const STORES_SHARED = [
  'src/stores/validate.ts',
  INSPECTION,
  'src/stores/generations-port.ts',
  'src/stores/analyze-batch.ts',
  'src/stores/new-fields.ts',
  'src/stores/refusals.ts',
  'src/stores/record-schemas.ts',
  'src/stores/holder.ts',
];
const BEDROCK_ADAPTERS = ['src/rerank/bedrock.ts', 'src/answer/bedrock.ts', 'src/knowledge-base/index.ts'];
const DOMAIN = ['src/model.ts', 'src/errors.ts'];
/** How a provider's clients are made, for whatever asks that provider. */
const PROVIDER_CLIENTS = ['src/bedrock/settings.ts'];
/** Free of input and output: any layer may use them. */
const PURE =
  /^src\/(?:analysis|metadata)\/|^src\/(?:pin|package-root|chunking\/(?:text-hash|tiktoken|lines))\.ts$/u;

const within = (...prefixes: readonly string[]): ((path: string) => boolean) => {
  return (path) =>
    prefixes.some((prefix) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)));
};

/** A file of ours that the list allows; packages are not limited by such a rule. */
const onlyOurs = (...prefixes: readonly string[]): Rule['allows'] => {
  const allowed = within(...prefixes);
  return ({ internal, target }) => !internal || allowed(target);
};

const RULES: readonly Rule[] = [
  {
    name: 'src/model.ts imports nothing',
    appliesTo: within('src/model.ts'),
    allows: () => false,
  },
  {
    name: 'src/errors.ts imports only src/model.ts',
    appliesTo: within('src/errors.ts'),
    allows: ({ target }) => target === 'src/model.ts',
  },
  {
    name: 'a port imports only the domain, and another port',
    appliesTo: within(...PORTS),
    allows: ({ target }) => DOMAIN.includes(target) || PORTS.includes(target),
  },
  {
    name: 'pure shared code imports only the domain and other pure code',
    appliesTo: (path) => PURE.test(path),
    allows: ({ internal, target }) => !internal || DOMAIN.includes(target) || PURE.test(target),
  },
  {
    name: 'only the composition root imports adapters',
    appliesTo: (path) => !COMPOSITION_ROOT.includes(path) && !ADAPTER.test(path),
    allows: ({ target }) => !ADAPTER.test(target),
  },
  {
    name: 'an adapter imports its port, the domain, pure shared code and itself only',
    appliesTo: (path) => ADAPTER.test(path),
    allows: ({ internal, target }, from) => {
      if (!internal) return true;
      const own = ADAPTER.exec(from)?.[0];
      const shared = [
        ...DOMAIN,
        from.startsWith('src/stores/') ? PORTS[0] : PORTS[1],
        ...STORES_SHARED,
        ...PROVIDER_CLIENTS,
      ];
      return (own !== undefined && target.startsWith(own)) || shared.includes(target) || PURE.test(target);
    },
  },
  {
    name: 'chunking knows only the domain and pure code',
    appliesTo: within('src/chunking/'),
    allows: ({ internal, target }) =>
      !internal || DOMAIN.includes(target) || PURE.test(target) || target.startsWith('src/chunking/'),
  },
  {
    name: 'ingest and retrieval do not know each other, nor what calls them',
    appliesTo: within('src/ingest/', 'src/retrieval/', 'src/catalog/'),
    allows: ({ internal, target }, from) => {
      if (!internal) return true;
      const folder = from.split('/').slice(0, 2).join('/');
      const other = { 'src/ingest': 'src/retrieval/', 'src/retrieval': 'src/ingest/' }[folder];
      if (other !== undefined && target.startsWith(other)) return false;
      return !within(
        'src/api/',
        'src/cli/',
        'src/cli.ts',
        'src/runtime.ts',
        'src/config.ts',
        'eval/',
      )(target);
    },
  },
  {
    name: 'the API works through the runtime, not through stores and embedders',
    appliesTo: within('src/api/'),
    allows: onlyOurs(
      'src/api/',
      ...DOMAIN,
      'src/config.ts',
      'src/runtime-types.ts',
      'src/pin.ts',
      'src/package-root.ts',
      'src/metadata/',
      'src/catalog/',
      'src/ingest/',
      'src/retrieval/schema.ts',
      'src/retrieval/why-schema.ts',
      'src/generations/types.ts',
      'src/generations/background.ts',
      'src/generations/background-gates.ts',
      'src/generations/gate.ts',
      'src/generations/eval-sets.ts',
      'src/generations/questions.ts',
      'src/generations/refusals.ts',
      'src/answer/schema.ts',
      'src/answer/collect.ts',
      'src/monitoring/types.ts',
      'src/stores/port.ts',
    ),
  },
  {
    name: 'nothing in src imports eval but the CLI, and nothing imports tests or benchmarks',
    appliesTo: (path) => !path.startsWith('test/'),
    allows: ({ internal, target }, from) => {
      if (!internal) return true;
      if (within('test/', 'bench/', 'scripts/')(target)) return false;
      return !target.startsWith('eval/') || within('eval/', 'src/cli.ts', 'src/cli/')(from);
    },
  },
  {
    name: 'the checks of a store know its port, the filter language, the domain and pure code',
    appliesTo: within('src/conformance/'),
    allows: ({ internal, target }) =>
      !internal ||
      PURE.test(target) ||
      within(
        'src/conformance/',
        'src/retrieval/filter/parse.ts',
        ...DOMAIN,
        PORTS[0] ?? '',
        'src/stores/generations-port.ts',
        INSPECTION,
      )(target),
  },
  {
    name: 'the doctor judges what it is given',
    appliesTo: within('src/doctor/'),
    allows: ({ internal, target }) =>
      !internal || PURE.test(target) || within('src/doctor/', ...DOMAIN, PORTS[0] ?? '', INSPECTION)(target),
  },
  {
    name: 'nothing in src works by checks or the doctor but the CLI, and what it is given for them',
    appliesTo: (path) =>
      path.startsWith('src/') &&
      !within('src/cli/', 'src/conformance/', 'src/doctor/', 'src/diagnostics.ts')(path),
    allows: ({ target }) => !within('src/conformance/', 'src/doctor/', 'src/diagnostics.ts')(target),
  },
  {
    name: 'in src, only the CLI opens a runtime, and the Lambda function; the others are given one',
    appliesTo: (path) =>
      path.startsWith('src/') && !within('src/cli.ts', 'src/cli/', 'src/diagnostics.ts', 'src/lambda/')(path),
    allows: ({ target }) => target !== 'src/runtime.ts',
  },
  {
    name: "src/bedrock/compose.ts alone names Bedrock's rerankers, chat models and knowledge bases",
    appliesTo: (path) => path !== 'src/bedrock/compose.ts' && !path.startsWith('test/'),
    allows: ({ target, typeOnly }) => typeOnly || !BEDROCK_ADAPTERS.includes(target),
  },
  {
    name: 'the list of embedders is for the composition root',
    appliesTo: (path) => !within('src/runtime.ts', 'src/diagnostics.ts')(path),
    allows: ({ target }) => target !== 'src/embedders/registry.ts',
  },
];

/** Every breach of the rules in these files. */
export function violations(files: readonly SourceFacts[]): readonly Violation[] {
  const found: Violation[] = [];
  for (const { path, imports, readsEnvironment, usesConsole } of files) {
    for (const rule of RULES) {
      if (!rule.appliesTo(path)) continue;
      for (const target of imports) {
        if (!rule.allows(target, path))
          found.push({ path, rule: `${rule.name}: it imports ${target.target}` });
      }
    }
    if (readsEnvironment && path !== 'src/config.ts') {
      found.push({ path, rule: 'only src/config.ts reads the environment' });
    }
    if (usesConsole && path.startsWith('src/') && !within('src/cli.ts', 'src/cli/')(path)) {
      found.push({ path, rule: 'only the CLI writes to the console' });
    }
  }
  for (const cycle of cycles(files)) {
    found.push({ path: cycle[0] ?? '', rule: `imports form a cycle: ${cycle.join(' → ')}` });
  }
  return found;
}

/** Cycles of imports that are there at run time, each once, as the path around it. */
export function cycles(files: readonly SourceFacts[]): readonly (readonly string[])[] {
  const edges = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter(({ internal, typeOnly }) => internal && !typeOnly).map(({ target }) => target),
    ]),
  );
  const found: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (path: string): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push([...trail.slice(at), path]);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) walk(target);
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) walk(path);
  return found;
}
