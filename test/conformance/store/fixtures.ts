/** The conformance checks' own collections and documents, for tests of single stores. */
export * from '../../../src/conformance/fixtures.js';
