import { describe, expect, test } from 'vitest';
import { contextFromSubject, type Subject, subjectFromContext } from '../../flags/index.ts';
import { ODD_CONTEXTS } from './arbitraries.ts';

const FULL: Subject = {
  organizationId: 'default',
  agentId: 'a',
  missionId: 'm',
  runId: 'r',
  action: 'email.send',
  effect: 'write',
  surface: 'tool',
  feature: 'refunds',
  lineageAgents: ['p', 'q'],
  lineageMissions: [],
  lineageRuns: ['r0'],
};

describe('the identity in an evaluation context', () => {
  test('comes back as it was put in, with the run as the targeting key', () => {
    const context = contextFromSubject(FULL);
    expect(subjectFromContext(context)).toEqual(FULL);
    expect(context['targetingKey']).toBe('r');
    expect(subjectFromContext(contextFromSubject({}))).toEqual({});
    expect(Object.keys(contextFromSubject({ agentId: undefined, action: 'a.b' }))).toEqual(['action']);
  });

  test('leaves the app’s own attributes alone', () => {
    expect(subjectFromContext({ tier: 7, targetingKey: 7, agent_id: 'a', mission_id: undefined })).toEqual({
      agentId: 'a',
    });
  });

  test('is refused with the name of the attribute, for every odd value of every attribute', () => {
    expect(ODD_CONTEXTS.length).toBeGreaterThan(100);
    for (const { context } of ODD_CONTEXTS) {
      const [name] = Object.keys(context);
      expect(subjectFromContext(context), JSON.stringify(context)).toMatch(
        new RegExp(
          `^${name} must (be|not be|not name|not contain) (a non-empty string|an array of strings|"\\*"|a \\*)$`,
        ),
      );
    }
  });
});
