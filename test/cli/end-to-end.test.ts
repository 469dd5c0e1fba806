/**
 * A handbook's life on the command line, each step a process of its own on one data folder. The
 * steps build on each other, in the order they stand.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { jsonLines, runProcess, startProcess, type Finished } from './support.js';

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'handbook/leave.md':
    '---\ntitle: Leave\ndept: HR\nmodified: 2024-05-01\n---\n# Parental leave\n\nParents have sixteen weeks of leave.\n',
  'handbook/pay.txt': 'Salaries are paid on the last day of the month.',
  'handbook/rows.jsonl':
    '{"id": "vpn", "text": "Connect to the network by the VPN client.", "dept": "IT", "title": "VPN"}\n' +
    '{"id": "mail", "text": "Mailboxes hold fifty gigabytes.", "dept": "IT"}\n',
  'handbook/bad.md': Uint8Array.of(0, 1, 2, 3),
};

interface Summary {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly embedded: number;
  readonly failed: readonly { readonly name: string; readonly code: string }[];
  readonly prune_skipped: boolean;
}

describe('the command line on an embedded store', { timeout: 300_000 }, () => {
  let cwd: string;

  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'plumbline-cli-'));
    await mkdir(join(cwd, 'handbook'));
    for (const [name, content] of Object.entries(FILES)) await writeFile(join(cwd, name), content);
  });
  after(() => rm(cwd, { recursive: true, force: true }));

  const environment = (): Readonly<Record<string, string>> => ({
    PLUMBLINE_STORE_URL: `pglite:${join(cwd, 'data')}`,
  });
  const run = async (args: readonly string[], stdin?: string): Promise<Finished> =>
    runProcess(args, { cwd, env: environment(), ...(stdin === undefined ? {} : { stdin }) });
  const json = async (args: readonly string[], stdin?: string): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await run([...args, '--json'], stdin);
    assert.equal(code, 0, stderr);
    const [value = {}, ...more] = jsonLines(stdout);
    assert.deepEqual(more, []);
    return value;
  };
  const summaryOf = (finished: Finished): Summary => jsonLines(finished.stdout)[0] as unknown as Summary;

  it('a dry run shows the chunks, and leaves no collection', async () => {
    const args = ['ingest', 'handbook', '--dry-run', '--embedder', 'minilm-l6'];
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 1);
    assert.match(stderr, /^failed handbook\/bad\.md: is binary, not text \(invalid_document\)$/mu);
    assert.match(
      stdout,
      /^handbook\/leave\.md · Leave · 1 chunk\n {2}#0 {2}\d+ tokens {2}\d+–\d+ {2}Leave › /mu,
    );
    assert.match(
      stdout,
      /^4 documents, 4 chunks, \d+ tokens, 1 failed\. Nothing was embedded or written\.$/mu,
    );
    const list = await run(['collections', 'list']);
    assert.equal(list.code, 0);
    assert.match(list.stdout, /^There is no collection yet\./u);
  });

  it('an unknown collection: exit 2, and how to make it', async () => {
    const { code, stdout, stderr } = await run(['ingest', 'handbook', "it's", '-c', 'handbook']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.ok(
      stderr.includes(
        String.raw`plumbline ingest handbook 'it'\''s' --collection handbook --embedder minilm-l6`,
      ),
      stderr,
    );
    assert.match(stderr, /^ {2}code: collection_not_found$/mu);
  });

  it('one bad file: exit 1, all others are in, and the summary tells', async () => {
    const { code, stdout, stderr } = await run([
      ...['ingest', 'handbook', '-c', 'handbook', '-e', 'minilm-l6'],
      ...['-m', 'edition=3', '-m', 'tags:=["internal"]'],
    ]);
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^handbook: 4 added, 0 changed, 0 unchanged, 0 removed, 1 failed$/mu);
    assert.match(stdout, /^4 chunks: 4 embedded, 0 reused; /mu);
    assert.match(stdout, /^failed handbook\/bad\.md: is binary, not text \(invalid_document\)$/mu);
    assert.deepEqual(
      jsonLines(stderr).map(({ stage }) => stage),
      ['create', 'ingest', 'index', 'done'],
    );
  });

  const again = ['ingest', 'handbook', '-c', 'handbook', '-m', 'edition=3', '-m', 'tags:=["internal"]'];

  it('again: all is unchanged; nothing is pruned while something fails', async () => {
    await rm(join(cwd, 'handbook', 'pay.txt'));
    const finished = await run([...again, '--prune', '--json']);
    assert.equal(finished.code, 1);
    const { failed, ...summary } = summaryOf(finished);
    assert.deepEqual(
      failed.map(({ name, code }) => [name, code]),
      [['handbook/bad.md', 'invalid_document']],
    );
    assert.deepEqual(
      [summary.added, summary.changed, summary.unchanged, summary.removed, summary.embedded],
      [0, 0, 3, 0, 0],
    );
    assert.equal(summary.prune_skipped, true);
  });

  it('--prune removes what vanished; a changed document is embedded anew', async () => {
    await rm(join(cwd, 'handbook', 'bad.md'));
    await writeFile(
      join(cwd, 'handbook', 'rows.jsonl'),
      String(FILES['handbook/rows.jsonl']).replace('fifty', 'sixty'),
    );
    const finished = await run([...again, '--prune', '--json']);
    assert.equal(finished.code, 0, finished.stderr);
    const summary = summaryOf(finished);
    assert.deepEqual(
      [summary.added, summary.changed, summary.unchanged, summary.removed, summary.embedded],
      [0, 1, 2, 1, 1],
    );
    assert.deepEqual([summary.failed, summary.prune_skipped], [[], false]);
  });

  it('standard input: one document of a given id, next to what is there', async () => {
    const args = ['ingest', '-', '-c', 'handbook', '--format', 'markdown', '--id', 'note', '-m', 'dept=HR'];
    const summary = await json(
      args,
      '---\nmodified: 2020-05-01\n---\n# Sick leave\n\nCall in before nine.\n',
    );
    assert.deepEqual([summary['collection'], summary['added'], summary['failed']], ['handbook', 1, []]);
  });

  it('another embedder than the collection’s is refused', async () => {
    const args = ['ingest', 'handbook', '-c', 'handbook', '-e', 'other', '--json'];
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [2, '']);
    const [problem] = jsonLines(stderr);
    assert.deepEqual([problem?.['code'], problem?.['status']], ['model_mismatch', 409]);
  });

  it('query: hits with citation and text; --explain shows the arithmetic', async () => {
    const { code, stdout, stderr } = await run([
      ...['query', 'handbook', 'how', 'long', 'is', 'parental', 'leave'],
      ...['--filter', '{"dept": "HR"}', '--explain', '--recency', 'modified_at:365:0.2'],
    ]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^1\. Leave › Parental leave {2}\d\.\d{4}\n {3}handbook\/leave\.md · chunk 0$/mu);
    assert.match(stdout, /^ {3}vector {3}rank \d, raw \S+, normalised \S+, weight \S+$/mu);
    assert.match(stdout, /^ {3}keyword {2}rank \d, raw /mu);
    assert.match(stdout, /^ {3}tm2c2: relevance \S+ = \S+ × \S+ \+ \S+ × \S+$/mu);
    assert.match(stdout, /^ {3}recency {2}age \S+ days, half-life 365 days, decay /mu);
    assert.match(stdout, /^ {3}Parents have sixteen weeks of leave\.$/mu);
    assert.match(stdout, /^2\. Sick leave /mu);
    assert.match(stdout, /^Hits 1 to 2 of 2 candidates · hybrid · /mu);
    assert.ok(!stdout.includes('VPN'));
  });

  it('query --json: the answer as the REST API gives it', async () => {
    const answer = await json(['query', 'handbook', 'VPN', '--mode', 'keyword', '-k', '1']);
    const hits = answer['hits'] as readonly Record<string, unknown>[];
    assert.deepEqual([answer['collection'], answer['mode']], ['handbook', 'keyword']);
    assert.deepEqual(
      hits.map(({ document_id, metadata }) => [document_id, metadata]),
      [['vpn', { dept: 'IT', edition: 3, tags: ['internal'], title: 'VPN' }]],
    );
    const misspelt = await run(['query', 'handbook', 'VPN', '--filter', '{"dpet": "IT"}', '--json']);
    assert.deepEqual([misspelt.code, misspelt.stdout], [2, '']);
    const [problem] = jsonLines(misspelt.stderr);
    assert.deepEqual([problem?.['code'], problem?.['field']], ['unknown_field', 'filter.dpet']);
  });

  it('documents: list in pages, get, count', async () => {
    const first = await json(['documents', 'list', 'handbook', '--limit', '3']);
    const ids = (page: Record<string, unknown>): readonly unknown[] =>
      (page['documents'] as readonly Record<string, unknown>[]).map(({ id }) => id);
    assert.deepEqual([ids(first), first['next']], [['handbook/leave.md', 'mail', 'note'], 'note']);
    const { code, stdout } = await run(['documents', 'list', 'handbook', '--after', 'note']);
    assert.equal(code, 0);
    assert.match(stdout, /^id {3}chunks {2}ingested {13}title\nvpn {2}1 {7}\d{4}-\S+ {2}VPN\n$/u);

    const document = await run(['documents', 'get', 'handbook', 'handbook/leave.md']);
    assert.equal(document.code, 0);
    assert.match(document.stdout, /^Leave\n {2}id {8}handbook\/leave\.md\n/u);
    assert.match(document.stdout, /^ {2}Parents have sixteen weeks of leave\.$/mu);
    const missing = await run(['documents', 'get', 'handbook', 'nothing']);
    assert.equal(missing.code, 2);
    assert.match(
      missing.stderr,
      /code: document_not_found\n {2}field: id\n {2}See what there is: plumbline documents list/u,
    );

    assert.deepEqual(await json(['documents', 'count', 'handbook', '-f', '{"dept": "IT"}']), { count: 2 });
  });

  it('documents delete: a filter must be confirmed', async () => {
    const byFilter = ['documents', 'delete', 'handbook', '--filter', '{"dept": "IT"}'];
    const asked = await run(byFilter);
    assert.deepEqual([asked.code, asked.stdout], [2, '']);
    assert.match(asked.stderr, /This would delete 2 documents\. Add --yes/u);
    assert.equal((await run([...byFilter, '--yes'])).stdout, 'Deleted 2 documents.\n');
    assert.equal((await run(['documents', 'delete', 'handbook', 'note'])).stdout, 'Deleted 1 document.\n');
  });

  it('collections: create, describe, list, delete', async () => {
    const made = await json([
      ...['collections', 'create', 'plain', '-e', 'minilm-l6', '--field', 'dept:keyword'],
      ...['--index', 'none', '--metric', 'dot', '--target-tokens', '200'],
    ]);
    assert.deepEqual(
      [made['name'], made['fields']],
      ['plain', { ...(made['fields'] as object), dept: 'keyword' }],
    );
    const described = await run(['collections', 'describe', 'plain']);
    assert.equal(described.code, 0);
    assert.match(described.stdout, /dept:keyword/u);
    assert.match(described.stdout, /none: every vector is compared/u);
    const list = await run(['collections', 'list']);
    assert.match(
      list.stdout,
      /^collection {2}documents {2}chunks {2}model\nhandbook {4}1 {10}1 {7}\S+\nplain {7}0 /u,
    );

    const asked = await run(['collections', 'delete', 'plain']);
    assert.equal(asked.code, 2);
    assert.match(
      asked.stderr,
      /This would delete collection "plain" with 0 documents and 0 chunks\. Add --yes/u,
    );
    const deleted = await run(['collections', 'delete', 'plain', '--yes']);
    assert.deepEqual(
      [deleted.code, deleted.stdout],
      [0, 'Deleted collection "plain" with 0 documents and 0 chunks.\n'],
    );
  });

  it('serve: answers, keeps others from the data folder, and ends with 0 on SIGTERM', async () => {
    const server = startProcess(['serve', '--port', '0'], { cwd, env: environment() });
    try {
      const [, url = ''] = await server.said(/Plumbline listens on (http:\S+) /u);
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
      const response = await fetch(`${url}/v1/collections/handbook/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: 'parental leave' }),
      });
      assert.equal(response.status, 200);
      const { hits } = (await response.json()) as {
        readonly hits: readonly { readonly document_id: string }[];
      };
      assert.deepEqual(
        hits.map((hit) => hit.document_id),
        ['handbook/leave.md'],
      );

      const second = await run(['collections', 'list', '--json']);
      assert.deepEqual([second.code, second.stdout], [3, '']);
      const [problem] = jsonLines(second.stderr);
      assert.deepEqual(
        [problem?.['code'], problem?.['status'], problem?.['retryable']],
        ['data_folder_in_use', 503, true],
      );
    } finally {
      server.child.kill('SIGTERM');
    }
    assert.equal((await server.finished).code, 0);
  });

  it('serve refuses an address that others reach, without keys', async () => {
    const refused = await run(['serve', '--host', '0.0.0.0', '--port', '0']);
    assert.deepEqual([refused.code, refused.stdout], [3, '']);
    assert.match(refused.stderr, /code: invalid_config/u);
  });
});
