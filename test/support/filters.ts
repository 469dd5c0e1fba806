/** The random filters of the conformance checks, for all tests. */
export * from '../../src/conformance/filters.js';
