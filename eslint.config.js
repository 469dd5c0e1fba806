import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Where each adapter lives; only the composition root names them. */
const ADAPTERS = [
  '**/stores/memory/**',
  '**/stores/pgvector/**',
  '**/stores/oracle/**',
  '**/stores/opensearch/**',
  '**/embedders/minilm/**',
];

export default defineConfig(
  globalIgnores(['dist*/', 'coverage/', '.plumbline/', 'bench/peers/']),
  {
    files: ['**/*.ts'],
    ignores: ['**/*.d.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-console': 'error',
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' },
        { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
      ],
      // Typed by the compiler's library, but not in Node 20.
      'no-restricted-properties': [
        'error',
        { object: 'Promise', property: 'withResolvers' },
        { object: 'Object', property: 'groupBy' },
        { object: 'Map', property: 'groupBy' },
        { object: 'Array', property: 'fromAsync' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // An async function without await turns a throw into a rejection, as its port promises.
      '@typescript-eslint/require-await': 'off',
      // Literal keys of a record read from outside: the compiler asks for brackets there.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
    },
  },
  {
    files: ['src/**/*.ts', 'eval/**/*.ts'],
    ignores: [
      'src/runtime.ts',
      'src/diagnostics.ts',
      'src/embedders/registry.ts',
      'src/stores/*/**',
      'src/embedders/*/**',
    ],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ADAPTERS, message: 'Only src/runtime.ts names adapters; take the port.' }] },
      ],
    },
  },
  {
    // What a person runs and reads.
    files: ['src/cli.ts', 'src/cli/**/*.ts', 'eval/{sweep,tune,verify}.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // `node:test` answers promises from `test` and `describe` that it waits for itself.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
          ],
        },
      ],
    },
  },
);
