/**
 * A loopback AWS STS that grants AssumeRole, for the SDK's own credential providers: its Query
 * protocol, form in and XML out.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface AssumeRoleCall {
  readonly roleArn: string;
  readonly sessionName: string;
  /** The id of the key that the call was signed with. */
  readonly signedBy: string;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
}

export interface FakeSts {
  /** For the SDK's AWS_ENDPOINT_URL_STS. */
  readonly url: string;
  readonly calls: readonly AssumeRoleCall[];
  /** How long the next credentials are good for. */
  lasting(ms: number): void;
  /** Refuses all calls; null: grants them again. */
  refuse(refusal: Refusal | null): void;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[a-z0-9-]+\/sts\/aws4_request, ?SignedHeaders=/u;

/** The credentials of the n-th grant, from 1. */
export function granted(number: number): { readonly keyId: string; readonly token: string } {
  return { keyId: `ASIATEST${String(number)}`, token: `session-token-${String(number)}` };
}

export async function startFakeSts(): Promise<FakeSts> {
  const calls: AssumeRoleCall[] = [];
  let lifetimeMs = HOUR_MS;
  let refusal: Refusal | null = null;
  let grants = 0;

  const answer = (form: URLSearchParams, authorization: string): { status: number; xml: string } => {
    const signedBy = SIGNATURE.exec(authorization)?.[1];
    if (signedBy === undefined) return failure({ status: 403, code: 'IncompleteSignature' });
    if (form.get('Action') !== 'AssumeRole') return failure({ status: 400, code: 'InvalidAction' });
    calls.push({
      roleArn: form.get('RoleArn') ?? '',
      sessionName: form.get('RoleSessionName') ?? '',
      signedBy,
    });
    if (refusal !== null) return failure(refusal);
    grants += 1;
    return { status: 200, xml: grant(grants, new Date(Date.now() + lifetimeMs)) };
  };
  const server = createServer((incoming, response) => {
    void text(incoming).then((body) => {
      const { status, xml } = answer(new URLSearchParams(body), incoming.headers.authorization ?? '');
      response.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    calls,
    lasting(ms) {
      lifetimeMs = ms;
    },
    refuse(next) {
      refusal = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

function grant(number: number, expiration: Date): string {
  const { keyId, token } = granted(number);
  return `<AssumeRoleResponse xmlns="${NAMESPACE}"><AssumeRoleResult>
<Credentials><AccessKeyId>${keyId}</AccessKeyId><SecretAccessKey>test</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${expiration.toISOString()}</Expiration></Credentials>
<AssumedRoleUser><AssumedRoleId>AROATEST:plumbline</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/reader/plumbline</Arn></AssumedRoleUser>
</AssumeRoleResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></AssumeRoleResponse>`;
}

function failure({ status, code }: Refusal): { readonly status: number; readonly xml: string } {
  const message = 'User: arn:aws:iam::111122223333:user/someone is not authorized to perform: sts:AssumeRole';
  return {
    status,
    xml: `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`,
  };
}
