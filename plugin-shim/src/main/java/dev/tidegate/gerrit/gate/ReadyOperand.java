package dev.tidegate.gerrit.gate;

import com.google.gerrit.index.query.Predicate;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.gerrit.server.query.change.ChangeQueryBuilder;
import com.google.gerrit.server.query.change.ChangeQueryBuilder.ChangeHasOperandFactory;
import com.google.inject.Inject;
import com.google.inject.Singleton;

/** The operand {@code has:ready_tidegate} of submit requirements. */
@Singleton
final class ReadyOperand implements ChangeHasOperandFactory {
  /** What stands before the plugin's name. */
  static final String NAME = "ready";

  private final Gate gate;

  @Inject
  ReadyOperand(Gate gate) {
    this.gate = gate;
  }

  @Override
  public Predicate<ChangeData> create(ChangeQueryBuilder builder) {
    return new ReadyPredicate(gate);
  }
}
