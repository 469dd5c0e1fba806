/** The seeded random numbers of the conformance checks, for all tests. */
export * from '../../src/conformance/random.js';
