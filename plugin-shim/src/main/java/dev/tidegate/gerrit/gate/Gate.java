package dev.tidegate.gerrit.gate;

import com.google.common.flogger.FluentLogger;
import com.google.gerrit.entities.Project;
import com.google.gerrit.server.query.change.ChangeData;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import dev.tidegate.core.CoreException;
import dev.tidegate.core.CoreRunner;
import dev.tidegate.core.Verb;
import dev.tidegate.gerrit.facts.FactsException;
import dev.tidegate.gerrit.facts.FactsReader;
import dev.tidegate.gerrit.json.Json;

/**
 * Asks the core about changes and pushes. Never throws, and refuses whatever it gets no verdict on.
 *
 * <p>One thing passes without a verdict: a project in whose whole inheritance there is no settings
 * file. Nothing is claimed there, so that a core that doesn't work must not stop its users.
 */
@Singleton
class Gate {
  private static final FluentLogger logger = FluentLogger.forEnclosingClass();

  private static final int SCHEMA = 1;

  private final FactsReader facts;
  private final CoreRunner core;

  @Inject
  Gate(FactsReader facts, CoreRunner core) {
    this.facts = facts;
    this.core = core;
  }

  /** May this change be submitted? */
  Verdict change(ChangeData change) {
    return guarded(change.project(), () -> decide("change", facts.change(change)));
  }

  /** May this push go through? */
  Verdict push(Push push) {
    return guarded(push.project(), () -> decide("push", push.facts(facts)));
  }

  private Verdict decide(String kind, JsonObject facts) throws CoreException {
    JsonObject question = new JsonObject();
    question.add(kind, facts);
    JsonObject input = new JsonObject();
    input.addProperty("schema", SCHEMA);
    input.addProperty("now_ms", System.currentTimeMillis());
    input.add("case", question);
    return Verdict.read(core.call(Verb.DECIDE, Json.bytes(input)));
  }

  private interface Question {
    Verdict ask() throws FactsException, CoreException;
  }

  private Verdict guarded(Project.NameKey project, Question question) {
    String why;
    try {
      return question.ask();
    } catch (FactsException | CoreException e) {
      logger.atWarning().withCause(e).log("no verdict in %s", project);
      why = e.getMessage();
    } catch (RuntimeException | Error e) {
      // Errors as well: if the plugin can't be linked, Gerrit would log it and go on.
      logger.atSevere().withCause(e).log("no verdict in %s", project);
      why = "the plugin failed: " + e;
    }
    return isUnclaimed(project)
        ? Verdict.notOurs("no settings of Tidegate are in force in " + project)
        : Verdict.refused(why);
  }

  private boolean isUnclaimed(Project.NameKey project) {
    try {
      return !FactsReader.anyText(facts.settings(project));
    } catch (FactsException | RuntimeException | Error e) {
      logger.atWarning().withCause(e).log("no settings of %s", project);
      return false;
    }
  }
}
