package dev.tidegate.core;

import com.google.common.base.Throwables;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Calls the core on a few threads of its own, each call on a fresh instance and within a time
 * limit, and calls it at all only while the {@linkplain KnownCases known cases} come out right.
 */
public final class CoreRunner {
  /**
   * How long a call may take, waiting for a thread included. A warm one takes about a millisecond;
   * this only ends what can't happen, so it may be long enough for a machine that is busy or
   * collecting garbage.
   */
  static final long LIMIT_MS = 2_000;

  /** How long start-up may take: loading, and the known cases on code that isn't compiled yet. */
  static final long START_LIMIT_MS = 60_000;

  /** Threads: enough that one slow call stops nobody, few enough to bound their memory. */
  private static final int THREADS = 4;

  /** Calls that may wait. A request thread waits for each, and a Gerrit has fewer of those. */
  private static final int WAITING = 256;

  /** Stack of a thread: serde descends 128 levels of JSON, each through several large frames. */
  private static final long STACK_BYTES = 8 << 20;

  /**
   * After so many calls the known cases run again. HotSpot compiles what has become hot again and
   * harder, and it is the hardest compiler whose older versions compute wrongly.
   */
  private static final int CALLS_BETWEEN_CHECKS = 1_000;

  private final KnownCases cases;
  private final Supplier<Core> cores;
  private final long limitMs;
  private final AtomicInteger calls = new AtomicInteger();
  private final ThreadPoolExecutor threads;
  private volatile Health health = Health.bad("the core has not been started");

  /**
   * @param cases what the core must compute rightly before, and while, it is used
   */
  public CoreRunner(KnownCases cases) {
    this(cases, Core::new, LIMIT_MS);
  }

  CoreRunner(KnownCases cases, Supplier<Core> cores, long limitMs) {
    this.cases = cases;
    this.cores = cores;
    this.limitMs = limitMs;
    threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            1,
            TimeUnit.MINUTES,
            new ArrayBlockingQueue<>(WAITING),
            work -> {
              Thread thread = new Thread(null, work, "tidegate-core", STACK_BYTES);
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Runs the known cases, which also warms the core, and returns how they went. Blocks until then,
   * so that the plugin judges nothing before it knows that it judges rightly.
   */
  public Health start() {
    try {
      health = Health.good(within(START_LIMIT_MS, () -> cases.run(KnownCases.WARM_UP_ROUNDS)));
    } catch (CoreException e) {
      health = Health.bad(e.getMessage());
    }
    return health;
  }

  /** Ends the threads; calls under way are interrupted. */
  public void stop() {
    health = Health.bad("the core has been stopped");
    threads.shutdownNow();
  }

  /** How the core stands since {@link #start}. */
  public Health health() {
    return health;
  }

  /**
   * Calls the core.
   *
   * @throws CoreRefusedException if the core did not understand its input
   * @throws CoreException if there is no answer, for whatever reason
   */
  public byte[] call(Verb verb, byte[] input) throws CoreException {
    Health now = health;
    if (!now.good()) {
      throw new CoreException(now.detail());
    }
    byte[] output = within(limitMs, () -> cores.get().call(verb, input));
    if (calls.incrementAndGet() % CALLS_BETWEEN_CHECKS == 0) {
      checkAgain();
    }
    return output;
  }

  private void checkAgain() {
    try {
      threads.execute(
          () -> {
            try {
              cases.run(1);
            } catch (CoreException | RuntimeException | LinkageError e) {
              health = Health.bad(e.getMessage());
            }
          });
    } catch (RejectedExecutionException e) {
      // Too busy now: the next check comes after as many calls again.
    }
  }

  private interface Work<T> {
    T run() throws CoreException;
  }

  private <T> T within(long limitMs, Work<T> work) throws CoreException {
    Future<T> future;
    try {
      future = threads.submit(work::run);
    } catch (RejectedExecutionException e) {
      throw new CoreException("the core has too much to do, or has been stopped", e);
    }
    try {
      return future.get(limitMs, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new CoreException("the core did not answer within " + limitMs + " ms", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CoreException("the request was interrupted while the core was asked", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof CoreException known) {
        throw known;
      }
      // Errors as well: a class that can't be linked, a stack that overflows.
      Throwable root = Throwables.getRootCause(e);
      throw new CoreException("the core failed: " + root, e.getCause());
    } finally {
      // Interrupts a core that still runs; Endive looks for that at every loop and call.
      if (future.cancel(true)) {
        threads.purge();
      }
    }
  }
}
