import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fill, loadTemplate, parseTemplate } from '../../src/answer/template.js';

const GOOD = '[system]\nBe brief.\n[user]\n{{sources}}\n{{question}}';

describe('the prompt template', () => {
  test('the one that comes with Plumbline is valid and names the code of its marker lines', async () => {
    const { system, user } = await loadTemplate(null);
    assert.match(system, /\{\{boundary\}\}/u);
    assert.equal(user, '{{sources}}\n\n{{question}}');
  });

  test('what stands above [system] is a comment, and [system] may be empty', () => {
    assert.deepEqual(parseTemplate(`{{anything}} here\r\n[system]\r\n[user]\r\n{{sources}} {{question}}`), {
      system: '',
      user: '{{sources}} {{question}}',
    });
  });

  const bad: readonly (readonly [string, RegExp])[] = [
    ['{{sources}} {{question}}', /"\[system\]"/u],
    [GOOD.replace('{{question}}', ''), /\{\{question\}\} 0 times/u],
    [`${GOOD}{{sources}}`, /\{\{sources\}\} 2 times/u],
    [GOOD.replace('{{sources}}', '{{souces}}'), /unknown placeholder \{\{souces\}\}/u],
    [GOOD.replace('Be brief.', '{{question}}'), /belongs in the \[user\] part/u],
  ];
  for (const [text, message] of bad) {
    test(`refused: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseTemplate(text), {
        code: 'invalid_config',
        field: 'PLUMBLINE_ANSWER_PROMPT_FILE',
        message,
      });
    });
  }

  test('a file that is not there is named', async () => {
    await assert.rejects(loadTemplate('/nowhere/prompt.txt'), {
      code: 'invalid_config',
      message: /\/nowhere\/prompt\.txt/u,
    });
  });

  test('what is filled in is not filled in again', () => {
    const values = { sources: '{{question}} $& $1', question: '{{boundary}}', boundary: 'b' };
    assert.equal(fill('{{sources}}|{{question}}|{{boundary}}', values), '{{question}} $& $1|{{boundary}}|b');
  });
});
