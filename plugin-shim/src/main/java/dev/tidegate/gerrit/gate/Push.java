package dev.tidegate.gerrit.gate;

import com.google.gerrit.entities.Project;
import com.google.gerrit.entities.RefNames;
import com.google.gerrit.server.events.RefReceivedEvent;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.tidegate.gerrit.facts.FactsException;
import dev.tidegate.gerrit.facts.FactsReader;
import org.eclipse.jgit.transport.ReceiveCommand;

/** A push, or its like by REST, that would move a ref. */
record Push(RefReceivedEvent event) {
  private static final int SCHEMA = 1;

  Project.NameKey project() {
    return event.project.getNameKey();
  }

  String ref() {
    return event.command.getRefName();
  }

  /** The push in the form {@code PushFacts}. */
  JsonObject facts(FactsReader facts) throws FactsException {
    ReceiveCommand command = event.command;
    JsonObject json = new JsonObject();
    json.addProperty("schema", SCHEMA);
    json.addProperty("server", facts.server());
    json.addProperty("project", project().get());
    json.addProperty("ref", ref());
    json.addProperty("old", command.getOldId().name());
    json.addProperty("new", command.getNewId().name());
    json.addProperty("kind", kind(command.getType()));
    json.addProperty("account", event.user.getAccountId().get());
    json.add("settings", facts.settings(project()));
    json.add("changes_settings", changesSettings(facts));
    return json;
  }

  private JsonElement changesSettings(FactsReader facts) throws FactsException {
    if (!ref().equals(RefNames.REFS_CONFIG)) {
      return JsonNull.INSTANCE;
    }
    return new JsonPrimitive(
        facts.settingsDiffer(project(), event.command.getOldId(), event.command.getNewId()));
  }

  private static String kind(ReceiveCommand.Type type) {
    return switch (type) {
      case CREATE -> "create";
      case UPDATE -> "update";
      case UPDATE_NONFASTFORWARD -> "non-fast-forward";
      case DELETE -> "delete";
    };
  }
}
