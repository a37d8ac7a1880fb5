import { describe, expect, test } from 'vitest';
import { parseMarkdown, type Block } from './markdown';

const paragraph = (words: string): Block => ({
  type: 'paragraph',
  children: [{ type: 'text', text: words }],
});
const bullets = (...items: Block[][]): Block => ({ type: 'list', ordered: false, start: 1, items });
const numbers = (start: number, ...items: Block[][]): Block => ({
  type: 'list',
  ordered: true,
  start,
  items,
});

const parse = (source: string) => parseMarkdown(source, () => true);

describe('blocks', () => {
  test.each<[string, string, Block[]]>([
    ['paragraphs', 'a\nb\n\nc', [paragraph('a b'), paragraph('c')]],
    [
      'a heading',
      '## Title ##\ntext',
      [{ type: 'heading', level: 2, children: [{ type: 'text', text: 'Title' }] }, paragraph('text')],
    ],
    ['a list', '- a\n- b', [bullets([paragraph('a')], [paragraph('b')])]],
    [
      'a list right after its introduction',
      'Two:\n- a\n- b',
      [paragraph('Two:'), bullets([paragraph('a')], [paragraph('b')])],
    ],
    ['a loose list', '- a\n\n- b', [bullets([paragraph('a')], [paragraph('b')])]],
    ['a list that starts at three', '3. a\n4. b', [numbers(3, [paragraph('a')], [paragraph('b')])]],
    [
      'a list in a list',
      '- a\n  - b\n- c',
      [bullets([paragraph('a'), bullets([paragraph('b')])], [paragraph('c')])],
    ],
    ['bullets under a number', '1. a\n   - b', [numbers(1, [paragraph('a'), bullets([paragraph('b')])])]],
    [
      'a second paragraph of an item',
      '- a\n\n  b\n- c',
      [bullets([paragraph('a'), paragraph('b')], [paragraph('c')])],
    ],
    ['a line that an item goes on with', '- a\nb', [bullets([paragraph('a b')])]],
    ['text after a list', '- a\n\nb', [bullets([paragraph('a')]), paragraph('b')]],
    [
      'code',
      '```go\nx := 1\n\n# no heading\n```\nend',
      [{ type: 'code', text: 'x := 1\n\n# no heading' }, paragraph('end')],
    ],
    ['code that is still coming', '```\nx :=', [{ type: 'code', text: 'x :=' }]],
    ['a quote', '> a\n> b\n\nc', [{ type: 'quote', children: [paragraph('a b')] }, paragraph('c')]],
    ['a rule', 'a\n\n---\n\nb', [paragraph('a'), { type: 'rule' }, paragraph('b')]],
    ['HTML as text', '<div onclick="x()">a</div>', [paragraph('<div onclick="x()">a</div>')]],
    ['nothing', ' \n ', []],
  ])('%s', (_, source, blocks) => {
    expect(parse(source)).toEqual(blocks);
  });

  test('a marker is read wherever it stands', () => {
    expect(parse('- a [2]')).toEqual([
      bullets([
        {
          type: 'paragraph',
          children: [
            { type: 'text', text: 'a ' },
            { type: 'citation', id: 2 },
          ],
        },
      ]),
    ]);
  });
});

test('any beginning of an answer can be read, because it is read while it comes', () => {
  const answer = '# A\n\n1. **b** [1]\n   - `c`\n\n   > d\n\n```\ne\n```\n[f](https://g.example) ![h](i)';
  for (let end = 0; end <= answer.length; end++) expect(() => parse(answer.slice(0, end))).not.toThrow();
});

test.each(['> ', '- ', '1. ', '#', '```\n', '-\n', '\n', '  - '])(
  '%j over and over is read in linear time',
  (piece) => {
    expect(() => parse(piece.repeat(30_000 / piece.length))).not.toThrow();
  },
);
