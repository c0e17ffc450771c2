package dev.tidegate.gerrit.status;

import com.google.gerrit.extensions.restapi.AuthException;
import com.google.gerrit.extensions.restapi.BinaryResult;
import com.google.gerrit.extensions.restapi.Response;
import com.google.gerrit.extensions.restapi.RestReadView;
import com.google.gerrit.server.CurrentUser;
import com.google.gerrit.server.config.ConfigResource;
import com.google.gerrit.server.config.GerritServerId;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.inject.Inject;
import com.google.inject.Provider;
import com.google.inject.Singleton;
import dev.tidegate.core.CoreDigest;
import dev.tidegate.core.CoreException;
import dev.tidegate.core.CoreRunner;
import dev.tidegate.core.Health;
import dev.tidegate.core.Verb;
import dev.tidegate.gerrit.journal.JournalStatus;
import dev.tidegate.gerrit.json.Json;
import dev.tidegate.gerrit.json.JsonAnswer;
import dev.tidegate.gerrit.record.RecordStatus;

/** {@code GET /config/server/tidegate~status}: for everybody who is signed in. */
@Singleton
final class GetStatus implements RestReadView<ConfigResource> {
  private final Provider<CurrentUser> user;
  private final CoreRunner core;
  private final RecordStatus records;
  private final JournalStatus journal;
  private final String serverId;

  @Inject
  GetStatus(
      Provider<CurrentUser> user,
      CoreRunner core,
      RecordStatus records,
      JournalStatus journal,
      @GerritServerId String serverId) {
    this.user = user;
    this.core = core;
    this.records = records;
    this.journal = journal;
    this.serverId = serverId;
  }

  @Override
  public Response<BinaryResult> apply(ConfigResource server) throws AuthException {
    if (!user.get().isIdentifiedUser()) {
      throw new AuthException("sign in to see the status of Tidegate");
    }
    PluginVersion version = PluginVersion.read();
    JsonObject status = new JsonObject();
    status.addProperty("version", version.plugin());
    status.addProperty("server_id", serverId);
    status.addProperty("gerrit_api", version.gerritApi());
    status.addProperty("java", Runtime.version().toString());
    status.add("core", core());
    status.add("records", records.json());
    status.add("journal", journal.json());
    return JsonAnswer.of(Json.bytes(status));
  }

  private JsonObject core() {
    Health health = core.health();
    JsonObject json = new JsonObject();
    json.addProperty("digest", CoreDigest.read());
    json.addProperty("ok", health.good());
    json.addProperty("detail", health.detail());
    json.addProperty("known_cases", health.rightCases());
    try {
      json.add("describe", Json.object(core.call(Verb.DESCRIBE, new byte[0])));
    } catch (CoreException | JsonParseException e) {
      json.addProperty("error", e.getMessage());
    }
    return json;
  }
}
