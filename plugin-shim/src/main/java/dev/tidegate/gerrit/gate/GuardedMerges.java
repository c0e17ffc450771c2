package dev.tidegate.gerrit.gate;

import com.google.common.flogger.FluentLogger;
import com.google.gerrit.entities.BranchNameKey;
import com.google.gerrit.entities.PatchSet;
import com.google.gerrit.server.IdentifiedUser;
import com.google.gerrit.server.git.CodeReviewCommit;
import com.google.gerrit.server.git.CodeReviewCommit.CodeReviewRevWalk;
import com.google.gerrit.server.git.validators.MergeValidationException;
import com.google.gerrit.server.git.validators.MergeValidationListener;
import com.google.gerrit.server.project.ProjectState;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import org.eclipse.jgit.lib.Repository;

/**
 * Asks again at the merge. A push with {@code %submit} forces its way past every submit
 * requirement, and a requirement may have been answered a while ago.
 */
@Singleton
final class GuardedMerges implements MergeValidationListener {
  private static final FluentLogger logger = FluentLogger.forEnclosingClass();

  private final Gate gate;
  private final ChangeData.Factory changes;

  @Inject
  GuardedMerges(Gate gate, ChangeData.Factory changes) {
    this.gate = gate;
    this.changes = changes;
  }

  /** Throws nothing but the refusal: after any other exception Gerrit would go on. */
  @Override
  public void onPreMerge(
      Repository repository,
      CodeReviewRevWalk walk,
      CodeReviewCommit commit,
      ProjectState project,
      BranchNameKey branch,
      PatchSet.Id patchSet,
      IdentifiedUser caller)
      throws MergeValidationException {
    Verdict verdict = judge(project, patchSet);
    if (!verdict.submittable()) {
      throw new MergeValidationException("Tidegate: " + verdict.line());
    }
  }

  private Verdict judge(ProjectState project, PatchSet.Id patchSet) {
    try {
      return gate.change(changes.create(project.getNameKey(), patchSet.changeId()));
    } catch (RuntimeException | Error e) {
      logger.atSevere().withCause(e).log("no verdict on change %s", patchSet.changeId());
      return Verdict.refused("the plugin failed: " + e);
    }
  }
}
