/** Which methods a path takes: Fastify knows a route only by path and method together. */

export interface PathTable {
  /** A route as Fastify tells of it: `:name` is one part of the path, `*` the rest. */
  add(pattern: string, methods: string | readonly string[]): void;
  /** Methods of the routes that match, sorted; empty when nothing is at this path. */
  methods(path: string): readonly string[];
}

export function createPathTable(): PathTable {
  const routes: { readonly expression: RegExp; readonly methods: readonly string[] }[] = [];
  return {
    add(pattern, methods) {
      routes.push({
        expression: toExpression(pattern),
        methods: typeof methods === 'string' ? [methods] : methods,
      });
    },
    methods(path) {
      const found = routes.flatMap((route) => (route.expression.test(path) ? route.methods : []));
      return [...new Set(found)].sort();
    },
  };
}

function toExpression(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.+?^${}()|[\]\\]/gu, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll(/:\w+/gu, '[^/]+');
  return new RegExp(`^${source}$`, 'u');
}
