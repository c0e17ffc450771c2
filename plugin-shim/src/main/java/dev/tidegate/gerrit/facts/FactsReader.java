package dev.tidegate.gerrit.facts;

import com.google.gerrit.entities.Change;
import com.google.gerrit.entities.LabelType;
import com.google.gerrit.entities.LabelTypes;
import com.google.gerrit.entities.PatchSet;
import com.google.gerrit.entities.Project;
import com.google.gerrit.server.config.GerritServerId;
import com.google.gerrit.server.git.GitRepositoryManager;
import com.google.gerrit.server.notedb.ChangeNotes;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.core.CoreException;
import dev.tidegate.core.CoreRunner;
import dev.tidegate.core.Verb;
import dev.tidegate.gerrit.json.Json;
import dev.tidegate.gerrit.record.RecordStore;
import dev.tidegate.gerrit.record.StoredRecord;
import java.io.IOException;
import java.util.Optional;
import java.util.SortedSet;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Repository;

/**
 * Gathers the facts about a change: first its history and settings, then what the core says it
 * {@linkplain Needs needs} beside these.
 */
@Singleton
public final class FactsReader {
  /** The number of the form that facts are written in. */
  private static final int SCHEMA = 1;

  private final String server;
  private final GitRepositoryManager repositories;
  private final MetaLogReader metaLogs;
  private final SettingsReader settings;
  private final PatchSetReader patchSets;
  private final PeopleReader people;
  private final RecordStore records;
  private final CoreRunner core;

  @Inject
  FactsReader(
      @GerritServerId String server,
      GitRepositoryManager repositories,
      MetaLogReader metaLogs,
      SettingsReader settings,
      PatchSetReader patchSets,
      PeopleReader people,
      RecordStore records,
      CoreRunner core) {
    this.server = server;
    this.repositories = repositories;
    this.metaLogs = metaLogs;
    this.settings = settings;
    this.patchSets = patchSets;
    this.people = people;
    this.records = records;
    this.core = core;
  }

  /**
   * The facts about a change, in the form {@code ChangeFacts}.
   *
   * @throws CoreException if the core does not say what it needs
   */
  public JsonObject change(ChangeData change) throws FactsException, CoreException {
    ChangeNotes notes = change.notes();
    Project.NameKey project = notes.getProjectName();
    try (Repository repository = repositories.openRepository(project)) {
      ObjectId tip = notes.getMetaId();
      if (tip == null) {
        throw new FactsException("change " + change.getId() + " has no history");
      }
      JsonObject facts = new JsonObject();
      facts.addProperty("schema", SCHEMA);
      facts.addProperty("server", server);
      facts.addProperty("project", project.get());
      facts.addProperty("number", change.getId().get());
      facts.add("meta", metaLogs.read(repository, project, change.getId(), tip));
      facts.add("settings", settings.layers(project));
      Needs needs = Needs.read(core.call(Verb.NEEDS, Json.bytes(facts)));
      facts.add("patch_sets", patchSets(repository, notes, needs.patchSets()));
      facts.add("labels", labels(change.getLabelTypes(), needs.labels()));
      facts.add("accounts", people.read(needs.accounts(), needs.groups()));
      facts.add("record", needs.ours() ? record(repository, change.getId()) : JsonNull.INSTANCE);
      return facts;
    } catch (IOException e) {
      throw new FactsException("project " + project + " can't be read", e);
    }
  }

  /** The id of this server. */
  public String server() {
    return server;
  }

  /** The settings in force for a project, root-most layer first. */
  public JsonArray settings(Project.NameKey project) throws FactsException {
    return settings.layers(project);
  }

  /** Whether Tidegate's settings file differs between two commits, of which either may be zeros. */
  public boolean settingsDiffer(Project.NameKey project, ObjectId one, ObjectId other)
      throws FactsException {
    return settings.differ(project, one, other);
  }

  /**
   * Whether any of {@code layers} has a text. Where none has, nothing is claimed and no decision is
   * needed to know it.
   */
  public static boolean anyText(JsonArray layers) {
    for (JsonElement layer : layers) {
      if (!layer.getAsJsonObject().get("text").getAsString().isBlank()) {
        return true;
      }
    }
    return false;
  }

  private JsonObject patchSets(Repository repository, ChangeNotes notes, SortedSet<Integer> numbers)
      throws FactsException {
    JsonObject json = new JsonObject();
    for (int number : numbers) {
      PatchSet patchSet = notes.getPatchSets().get(PatchSet.id(notes.getChangeId(), number));
      // One that isn't there is a fact that is missing, which the decision names.
      if (patchSet != null) {
        json.add(Integer.toString(number), patchSets.read(repository, patchSet.commitId()));
      }
    }
    return json;
  }

  private static JsonObject labels(LabelTypes types, SortedSet<String> names) {
    JsonObject json = new JsonObject();
    for (String name : names) {
      Optional<LabelType> type = types.byLabel(name);
      // Gerrit finds a label in any case; votes carry its own spelling only.
      if (type.isPresent() && type.get().getName().equals(name)) {
        JsonObject range = new JsonObject();
        range.addProperty("min", type.get().getMin().getValue());
        range.addProperty("max", type.get().getMax().getValue());
        json.add(name, range);
      }
    }
    return json;
  }

  private JsonElement record(Repository repository, Change.Id change) throws IOException {
    Optional<StoredRecord> record = records.read(repository, change);
    if (record.isEmpty()) {
      return JsonNull.INSTANCE;
    }
    JsonObject json = new JsonObject();
    json.addProperty("commit", record.get().commit());
    json.addProperty("text", record.get().text());
    return json;
  }
}
