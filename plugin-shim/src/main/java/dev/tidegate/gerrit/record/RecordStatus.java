package dev.tidegate.gerrit.record;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;

/** What the status endpoint says of the keys of records. */
@Singleton
public final class RecordStatus {
  private final RecordKeys keys;

  @Inject
  RecordStatus(RecordKeys keys) {
    this.keys = keys;
  }

  /** {@code {"keys": ["name+id", …], "faults": ["…", …]}}. */
  public JsonObject json() {
    JsonArray ids = new JsonArray();
    keys.ids().forEach(ids::add);
    JsonArray faults = new JsonArray();
    keys.faults().forEach(faults::add);
    JsonObject status = new JsonObject();
    status.add("keys", ids);
    status.add("faults", faults);
    return status;
  }
}
