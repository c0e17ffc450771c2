package dev.tidegate.gerrit.record;

import com.google.gerrit.entities.Project;
import com.google.gerrit.server.git.GitRepositoryManager;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.NavigableSet;
import org.eclipse.jgit.internal.storage.file.FileRepository;
import org.eclipse.jgit.lib.Repository;

/** Bare repositories in a folder. */
final class TestRepositories implements GitRepositoryManager {
  private final Path folder;

  TestRepositories(Path folder) {
    this.folder = folder;
  }

  @Override
  public Status getRepositoryStatus(Project.NameKey name) {
    return Status.ACTIVE;
  }

  @Override
  public Repository openRepository(Project.NameKey name) throws IOException {
    return new FileRepository(folder.resolve(name.get() + ".git").toFile());
  }

  @Override
  public Repository createRepository(Project.NameKey name) throws IOException {
    Repository repository = openRepository(name);
    repository.create(true);
    return repository;
  }

  @Override
  public NavigableSet<Project.NameKey> list() {
    return Collections.emptyNavigableSet();
  }
}
