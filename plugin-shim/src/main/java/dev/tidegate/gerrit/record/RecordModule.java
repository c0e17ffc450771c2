package dev.tidegate.gerrit.record;

import static com.google.gerrit.server.change.ChangeResource.CHANGE_KIND;

import com.google.gerrit.extensions.annotations.Exports;
import com.google.gerrit.extensions.config.CapabilityDefinition;
import com.google.gerrit.extensions.restapi.RestApiModule;
import com.google.inject.AbstractModule;

/** Binds the endpoints of records and the right to write them. */
public final class RecordModule extends AbstractModule {
  @Override
  protected void configure() {
    bind(CapabilityDefinition.class)
        .annotatedWith(Exports.named(WriteRecord.NAME))
        .to(WriteRecord.class);
    install(
        new RestApiModule() {
          @Override
          protected void configure() {
            get(CHANGE_KIND, "record").to(GetRecord.class);
            put(CHANGE_KIND, "record").to(PutRecord.class);
          }
        });
  }
}
