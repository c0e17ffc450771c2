package dev.tidegate.gerrit.facts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.gerrit.entities.Project;
import com.google.gerrit.entities.RefNames;
import com.google.gerrit.server.git.GitRepositoryManager;
import com.google.gerrit.server.project.ProjectCache;
import com.google.gerrit.server.project.ProjectState;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectLoader;
import org.eclipse.jgit.lib.ObjectReader;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevTree;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.treewalk.TreeWalk;

/**
 * Reads Tidegate's settings: two files of a project's {@code refs/meta/config}, and its parents'.
 */
@Singleton
final class SettingsReader {
  /** Tidegate's own file. */
  private static final String SETTINGS_FILE = "tidegate.toml";

  /** Gerrit's list of the groups that a project's configuration names. */
  private static final String GROUPS_FILE = "groups";

  /**
   * As much of a file as is handed to the core: more than it accepts, so that it is the core that
   * says what is wrong with a file that is too large, and lets a push mend it.
   */
  private static final int FILE_BYTES = 4 << 20;

  /** Characters of all cached files: those of some thousand projects. */
  private static final long CACHE_CHARS = 16 << 20;

  private record Key(Project.NameKey project, ObjectId commit) {}

  /** Never stale: a commit's id stands for its files. */
  private final Cache<Key, JsonObject> cache =
      CacheBuilder.newBuilder()
          .maximumWeight(CACHE_CHARS)
          .weigher((Key key, JsonObject layer) -> layer.toString().length())
          .build();

  private final ProjectCache projects;
  private final GitRepositoryManager repositories;

  @Inject
  SettingsReader(ProjectCache projects, GitRepositoryManager repositories) {
    this.projects = projects;
    this.repositories = repositories;
  }

  /**
   * The settings in force for a project, as layers from the root of the inheritance down to the
   * project itself. The layers are shared: they must not be changed.
   */
  JsonArray layers(Project.NameKey project) throws FactsException {
    ProjectState state =
        projects
            .get(project)
            .orElseThrow(() -> new FactsException("project " + project + " does not exist"));
    JsonArray layers = new JsonArray();
    for (ProjectState level : state.treeInOrder()) {
      layers.add(layer(level.getNameKey()));
    }
    return layers;
  }

  /** Whether Tidegate's own file differs between two commits, of which either may be zeros. */
  boolean differ(Project.NameKey project, ObjectId one, ObjectId other) throws FactsException {
    try (Repository repository = repositories.openRepository(project);
        RevWalk walk = new RevWalk(repository)) {
      return !Arrays.equals(file(walk, one, SETTINGS_FILE), file(walk, other, SETTINGS_FILE));
    } catch (IOException e) {
      throw new FactsException("the settings of " + project + " can't be compared", e);
    }
  }

  private JsonObject layer(Project.NameKey project) throws FactsException {
    try (Repository repository = repositories.openRepository(project)) {
      Ref ref = repository.exactRef(RefNames.REFS_CONFIG);
      ObjectId commit = ref == null ? ObjectId.zeroId() : ref.getObjectId();
      Key key = new Key(project, commit);
      JsonObject layer = cache.getIfPresent(key);
      if (layer == null) {
        layer = read(repository, project, commit);
        cache.put(key, layer);
      }
      return layer;
    } catch (IOException e) {
      throw new FactsException("the settings of " + project + " can't be read", e);
    }
  }

  private static JsonObject read(Repository repository, Project.NameKey project, ObjectId commit)
      throws IOException {
    try (RevWalk walk = new RevWalk(repository)) {
      JsonObject layer = new JsonObject();
      layer.addProperty("project", project.get());
      layer.addProperty("commit", commit.name());
      layer.addProperty("text", new String(file(walk, commit, SETTINGS_FILE), UTF_8));
      layer.addProperty("groups", new String(file(walk, commit, GROUPS_FILE), UTF_8));
      return layer;
    }
  }

  private static byte[] file(RevWalk walk, ObjectId commit, String name) throws IOException {
    if (commit.equals(ObjectId.zeroId())) {
      return new byte[0];
    }
    ObjectReader reader = walk.getObjectReader();
    RevTree tree = walk.parseCommit(commit).getTree();
    try (TreeWalk found = TreeWalk.forPath(reader, name, tree)) {
      if (found == null) {
        return new byte[0];
      }
      ObjectLoader file = reader.open(found.getObjectId(0), Constants.OBJ_BLOB);
      try (InputStream in = file.openStream()) {
        return in.readNBytes(FILE_BYTES);
      }
    }
  }
}
