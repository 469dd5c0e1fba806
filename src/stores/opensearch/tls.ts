/** Whom to trust behind `opensearchs://`. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RetrievalError } from '../../errors.js';

/**
 * The certificates of the file, as PEM.
 * @throws RetrievalError `invalid_config` for a file that holds none, and where there is no TLS to use it
 */
export function readAuthorities(file: string, node: string): string {
  if (!node.startsWith('https:')) {
    throw invalid('is for TLS, and the store URL begins with opensearch://; write opensearchs://');
  }
  try {
    const pem = readFileSync(file, 'utf8');
    // Node takes text without a certificate for an empty list, and then trusts nobody.
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw invalid('names a file that cannot be read, or that holds no certificate in PEM form', cause);
  }
}

function invalid(problem: string, cause?: unknown): RetrievalError {
  return new RetrievalError('invalid_config', `PLUMBLINE_OPENSEARCH_CA_FILE ${problem}`, {
    field: 'PLUMBLINE_OPENSEARCH_CA_FILE',
    ...(cause === undefined ? {} : { cause }),
  });
}
