const variable = (name: unknown): unknown => ({ var: name });
const when = (condition: unknown): object => ({ if: [condition, 'live', 'paused'] });
const isFive = (name: unknown): unknown => ({ '==': [variable(name), 5] });
const over = (iteration: string, perItem: unknown, list: unknown = variable('list')): unknown => ({
  [iteration]: [list, perItem],
});
const sum = (...names: unknown[]): unknown => ({ reduce: [variable('list'), { '+': names.map(variable) }, 0] });

/** Attributes with the names that rules below give to items, so that an evaluator that finds the wrong one is seen. */
export const CONTEXT = {
  targetingKey: 'k',
  outer: 5,
  n: 77,
  current: 1000,
  accumulator: 2000,
  name: 'outer',
  list: [1, 2],
  words: ['a', 'b'],
  nested: [[1], [2]],
  objects: [{ n: 1, outer: 2 }, { n: 5 }],
  deep: { b: 5 },
};

/** Rules of a base mode that direct resolution and each of flagd's evaluators answer alike. */
export const SOUND_RULES: Readonly<Record<string, object>> = {
  'an attribute': when(isFive('outer')),
  'a member of an attribute': when(isFive('deep.b')),
  'an item of a list by its place': when({ '==': [variable('list.1'), 2] }),
  'an attribute with a constant fallback': when(isFive(['absent', 5])),
  'an attribute with another as its fallback': when(isFive(['absent', variable('outer')])),
  'the time': when({ '>': [variable('$flagd.timestamp'), 0] }),
  'the time in the fallback of an attribute': when({ '>': [variable(['absent', variable('$flagd.timestamp')]), 0] }),
  'the name of the flag': when({ '===': [variable('$flagd.flagKey'), 'kill-switch.mode'] }),
  'what is missing': when({ '!': [{ missing: ['outer'] }] }),
  'whether some are missing': when({ '!': [{ missing_some: [1, ['outer', 'absent']] }] }),
  'the item in some': when(over('some', { '==': [variable(''), 2] })),
  'the item in all': when(over('all', { '>': [variable(''), 0] })),
  'the item in none': when(over('none', { '>': [variable(''), 2] })),
  'the item in filter': when({ '!!': [over('filter', { '>': [variable(''), 1] })] }),
  'the item in map': when({ in: [4, over('map', { '*': [variable(''), 2] })] }),
  'the item of an item': when(
    over('some', over('some', { '==': [variable(''), 2] }, variable('')), variable('nested')),
  ),
  'an attribute in a merged list': when(over('some', isFive(''), { merge: [variable('outer'), 1] })),
  'current and accumulator in reduce': when({ '==': [sum('current', 'accumulator'), 3] }),
  'a member of current': when({
    '==': [{ reduce: [variable('objects'), { '+': [variable('current.n'), variable('accumulator')] }, 0] }, 6],
  }),
};

/** Rules of a base mode that could see another clock, or that evaluators of flagd answer differently: and why. */
export const REFUSED_RULES: Readonly<Record<string, readonly [object, RegExp]>> = {
  'a computed name': [when({ '>': [variable({ cat: ['$flagd', '.timestamp'] }), 0] }), /not a constant/],
  'a name from the context': [when(isFive(variable('name'))), /not a constant/],
  'a computed name with a fallback': [when(isFive([{ cat: ['outer'] }, 0])), /not a constant/],
  'a number as a name': [when(isFive(0)), /not a constant/],
  'no name': [when({ '!!': [variable([])] }), /not a constant/],
  'null as a name': [when({ '!!': [variable(null)] }), /not a constant/],
  'two fallbacks': [when(isFive(['absent', 5, 6])), /one fallback/],
  'the whole context': [when({ '!!': [variable('')] }), /one attribute/],
  'the whole context, in a list': [when({ '!!': [variable([''])] }), /one attribute/],
  'the whole of $flagd': [when({ '!!': [variable('$flagd')] }), /of \$flagd only/],
  'a member of the time': [when({ '!!': [variable('$flagd.timestamp.x')] }), /of \$flagd only/],
  'the time behind a dot': [when({ '>': [variable('.$flagd.timestamp'), 0] }), /one attribute/],
  'the time before a dot': [when({ '>': [variable('$flagd.timestamp.'), 0] }), /one attribute/],
  'the time behind two dots': [when({ '>': [variable('$flagd..timestamp'), 0] }), /one attribute/],
  'a name with a backslash': [when({ '>': [variable('\\$flagd.timestamp'), 0] }), /one attribute/],
  'the place of the store’s time': [when({ '>': [variable('$kill_switch.timestamp'), 0] }), /only the switch/],
  'the whole context in a fallback': [when({ '!!': [variable(['absent', variable('')])] }), /one attribute/],
  'whether the store’s time is missing': [when({ '!': [{ missing: ['$kill_switch.timestamp'] }] }), /only the switch/],
  'whether a computed name is missing': [when({ missing: [{ cat: ['a'] }] }), /not a constant/],
  'the time in some': [when(over('some', { '>': [variable('$flagd.timestamp'), 0] })), /only \{"var": ""\}/],
  ...Object.fromEntries(
    ['some', 'all', 'none', 'filter', 'map'].flatMap((iteration): [string, readonly [object, RegExp]][] => [
      [`an attribute in ${iteration}`, [when({ '!!': [over(iteration, isFive('outer'))] }), /only \{"var": ""\}/]],
      [
        `a member of the item in ${iteration}`,
        [when({ '!!': [over(iteration, isFive('n'), variable('objects'))] }), /only \{"var": ""\}/],
      ],
    ]),
  ),
  'the item by an empty list': [when(over('some', isFive([]))), /only \{"var": ""\}/],
  'the item with a fallback': [when(over('some', { '==': [variable(['', 3]), 2] })), /only \{"var": ""\}/],
  'the item’s place': [when(over('some', { '==': [variable('0'), 2] }, variable('nested'))), /only \{"var": ""\}/],
  'an attribute in reduce': [when({ '==': [sum('outer', 'accumulator'), 10] }), /inside "reduce"/],
  'the item in reduce': [when({ '!!': [sum('', 'accumulator')] }), /one attribute/],
  'the time that reduce begins with': [
    when({ '>': [{ reduce: [[1], variable('accumulator'), variable('$flagd.timestamp')] }, 0] }),
    /begin with a constant/,
  ],
  'reduce in some': [
    when(
      over(
        'some',
        { '==': [{ reduce: [variable(''), { '+': [variable('current'), variable('accumulator')] }, 0] }, 2] },
        variable('nested'),
      ),
    ),
    /"reduce" inside an iteration/,
  ],
  ...Object.fromEntries(
    Object.entries({
      starts_with: [variable(''), 'a'],
      ends_with: [variable(''), 'a'],
      sem_ver: [variable(''), '=', '1.0.0'],
      fractional: [variable(''), ['x', 100]],
      missing: ['outer'],
      missing_some: [1, ['outer']],
    }).map(([operator, given]): [string, readonly [object, RegExp]] => [
      `${operator} in some`,
      [when(over('some', { '!!': [{ [operator]: given }] }, variable('words'))), /inside an iteration/],
    ]),
  ),
  'a list with an attribute in it': [when(over('some', isFive(''), [variable('outer'), 1])), /"merge"/],
  'no operation for an item': [when(over('some', true)), /without an operation/],
};
