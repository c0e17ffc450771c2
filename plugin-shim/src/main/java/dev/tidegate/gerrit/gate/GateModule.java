package dev.tidegate.gerrit.gate;

import static com.google.gerrit.server.change.RevisionResource.REVISION_KIND;

import com.google.gerrit.extensions.registration.DynamicSet;
import com.google.gerrit.extensions.restapi.RestApiModule;
import com.google.gerrit.server.git.validators.MergeValidationListener;
import com.google.gerrit.server.git.validators.RefOperationValidationListener;
import com.google.inject.AbstractModule;

/** Binds what stops merges and pushes, and what shows why. */
public final class GateModule extends AbstractModule {
  @Override
  protected void configure() {
    DynamicSet.bind(binder(), MergeValidationListener.class).to(GuardedMerges.class);
    DynamicSet.bind(binder(), RefOperationValidationListener.class).to(GuardedRefs.class);
    install(
        new RestApiModule() {
          @Override
          protected void configure() {
            get(REVISION_KIND, "verdict").to(GetVerdict.class);
            get(REVISION_KIND, "explain").to(GetExplanation.class);
          }
        });
  }
}
