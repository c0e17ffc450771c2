// Runs the script of the Checks tab against a stand-in for Gerrit's plugin API:
//   node --test src/test/js/
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import vm from 'node:vm';

const SCRIPT = new URL('../../main/resources/static/tidegate.js', import.meta.url);

const CHANGE = {repo: 'platform/infra', changeNumber: 12, patchsetNumber: 3, patchsetSha: 'abc'};

const WAITING = {
  schema: 1,
  submittable: false,
  outcome: 'waiting',
  summary: 'app-prod: plan has 0 of 1 approvals',
  reasons: [
    {code: 'approval-missing', stack: 'app-prod', text: 'plan has 0 of 1 approvals', cure: 'vote'},
  ],
  stacks: {
    'app-prod': {binding: '5d454e7133528f42', approvals: 0, needed: 1},
    'app-staging': {binding: 'aaaaaaaaaaaaaaaa', approvals: 1, needed: 1},
  },
};

/** What the script's fetch answers when the endpoint answers with `get`. */
async function fetched(get, change = CHANGE) {
  let provider;
  const plugin = {
    checks: () => ({register: p => { provider = p; }}),
    restApi: () => ({get}),
  };
  const context = {Gerrit: {install: callback => callback(plugin)}};
  vm.runInNewContext(readFileSync(SCRIPT, 'utf8'), context);
  return JSON.parse(JSON.stringify(await provider.fetch(change)));
}

test('the verdict of the change and patch set is asked for', async () => {
  let asked;
  await fetched(async url => { asked = url; return WAITING; });
  assert.equal(asked, '/changes/platform%2Finfra~12/revisions/3/tidegate~verdict');
});

test('each stack has a run, and each reason stands in its own', async () => {
  const {runs} = await fetched(async () => WAITING);
  assert.deepEqual(
    runs.map(run => [run.checkName, run.results[0].category, run.results[0].summary]),
    [
      ['Tidegate', 'INFO', 'app-prod: plan has 0 of 1 approvals'],
      ['Tidegate app-prod', 'INFO', 'plan has 0 of 1 approvals'],
      ['Tidegate app-staging', 'SUCCESS', 'plan aaaaaaaaaaaa, 1 of 1 approvals'],
    ]);
});

test('a ready change is green', async () => {
  const ready = {...WAITING, submittable: true, outcome: 'ready', summary: 'ready', reasons: []};
  const {runs} = await fetched(async () => ready);
  assert.ok(runs.every(run => run.results.every(result => result.category === 'SUCCESS')));
});

test('a reason about a stack that is not listed is shown on the change', async () => {
  const refused = {...WAITING, outcome: 'refused', stacks: {}};
  const {runs} = await fetched(async () => refused);
  assert.equal(runs.length, 1);
  assert.deepEqual(
    [runs[0].results[0].category, runs[0].results[0].summary],
    ['ERROR', 'plan has 0 of 1 approvals']);
});

test('an outcome that is not known is an error', async () => {
  const {runs} = await fetched(async () => ({...WAITING, outcome: 'new'}));
  assert.equal(runs[1].results[0].category, 'ERROR');
});

test('what is none of ours shows nothing', async () => {
  const other = {...WAITING, outcome: 'not-ours', reasons: [], stacks: {}};
  assert.deepEqual(await fetched(async () => other), {responseCode: 'OK', runs: []});
});

test('an older patch set shows nothing', async () => {
  const change = {...CHANGE, changeInfo: {current_revision: 'def'}};
  assert.deepEqual(await fetched(async () => WAITING, change), {responseCode: 'OK', runs: []});
});

test('a failed request is said', async () => {
  const answer = await fetched(async () => { throw new Error('403'); });
  assert.deepEqual(
    answer, {responseCode: 'ERROR', errorMessage: 'Tidegate gave no verdict: 403'});
});
