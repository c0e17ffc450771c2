package dev.tidegate.gerrit.facts;

import static com.google.gerrit.server.change.RevisionResource.REVISION_KIND;

import com.google.gerrit.extensions.restapi.RestApiModule;

/** Binds the endpoint that shows the facts. */
public final class FactsModule extends RestApiModule {
  @Override
  protected void configure() {
    get(REVISION_KIND, "facts").to(GetFacts.class);
  }
}
