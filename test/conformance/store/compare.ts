/** The conformance checks' comparison of legs, for tests of single stores. */
export * from '../../../src/conformance/compare.js';
