// Shows Tidegate's verdict in the Checks tab: one run for the change, one for each of its stacks.
// It decides nothing: what it shows is what the endpoint `tidegate~verdict` answered.

/** How a reason is shown, by the outcome of the verdict that it belongs to. */
const CATEGORIES = {waiting: 'INFO', refused: 'ERROR'};

/** Seconds between two looks at an open page: votes and plans come in minutes, not in seconds. */
const POLLING_SECONDS = 30;

Gerrit.install(plugin => {
  plugin.checks().register(
    {fetch: change => fetchRuns(plugin, change)},
    {fetchPollingIntervalSeconds: POLLING_SECONDS});
});

async function fetchRuns(plugin, change) {
  if (isOutdated(change)) {
    return {responseCode: 'OK', runs: []};
  }
  const id = `${encodeURIComponent(change.repo)}~${change.changeNumber}`;
  const url = `/changes/${id}/revisions/${change.patchsetNumber}/tidegate~verdict`;
  try {
    return {responseCode: 'OK', runs: runs(await plugin.restApi().get(url))};
  } catch (error) {
    const why = error?.message ?? error;
    return {responseCode: 'ERROR', errorMessage: `Tidegate gave no verdict: ${why}`};
  }
}

/** A verdict is about the change as it stands, so an older patch set has none. */
function isOutdated(change) {
  const current = change.changeInfo?.current_revision;
  return current !== undefined && current !== change.patchsetSha;
}

function runs(verdict) {
  if (verdict.outcome === 'not-ours') {
    return [];
  }
  const category = CATEGORIES[verdict.outcome] ?? 'ERROR';
  const stacks = Object.entries(verdict.stacks ?? {});
  const names = new Set(stacks.map(([name]) => name));
  // A reason about a stack that the verdict doesn't list must not get lost.
  const common = verdict.reasons.filter(reason => !names.has(reason.stack));
  const whole = run('Tidegate', common, category, verdict.summary);
  if (verdict.outcome !== 'ready' && common.length === 0) {
    whole.results = [{category, summary: verdict.summary}];
  }
  return [
    whole,
    ...stacks.map(([name, stack]) => {
      const own = verdict.reasons.filter(reason => reason.stack === name);
      return run(`Tidegate ${name}`, own, category, standing(stack));
    }),
  ];
}

function run(checkName, reasons, category, standing) {
  return {
    checkName,
    status: 'COMPLETED',
    statusDescription: standing,
    results: reasons.length === 0
      ? [{category: 'SUCCESS', summary: standing}]
      : reasons.map(reason => ({
        category,
        summary: reason.text,
        message: reason.cure === undefined ? undefined : `What would change it: ${reason.cure}`,
        tags: [{name: reason.code}],
      })),
  };
}

function standing(stack) {
  const approvals = `${stack.approvals} of ${stack.needed} approvals`;
  return stack.binding ? `plan ${stack.binding.slice(0, 12)}, ${approvals}` : 'no plan yet';
}
