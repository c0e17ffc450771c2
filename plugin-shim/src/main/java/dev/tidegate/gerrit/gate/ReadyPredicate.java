package dev.tidegate.gerrit.gate;

import com.google.gerrit.index.query.MatchResult;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.gerrit.server.query.change.SubmitRequirementPredicate;

/**
 * True of a change that may be submitted; Gerrit shows the reasons beside the requirement. It can't
 * be searched for: no index could keep up with a verdict.
 */
final class ReadyPredicate extends SubmitRequirementPredicate {
  /** As much as Gerrit's own predicates that read a change's details. */
  private static final int COST = 10;

  private final Gate gate;

  ReadyPredicate(Gate gate) {
    super("has", "ready_tidegate");
    this.gate = gate;
  }

  @Override
  public boolean match(ChangeData change) {
    return matchResult(change).status;
  }

  @Override
  public MatchResult matchResult(ChangeData change) {
    Verdict verdict = gate.change(change);
    return new MatchResult(verdict.submittable(), verdict.line());
  }

  @Override
  public int getCost() {
    return COST;
  }
}
