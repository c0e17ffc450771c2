package dev.tidegate.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.function.Function;
import run.endive.runtime.ByteArrayMemory;
import run.endive.runtime.Instance;
import run.endive.runtime.Machine;
import run.endive.runtime.Memory;
import run.endive.wasm.WasmEngineException;
import run.endive.wasm.WasmModule;
import run.endive.wasm.types.MemoryLimits;

/**
 * One fresh instance of the core, good for one call, driven through the canonical ABI by hand.
 *
 * <p>An instance is never used twice: nothing may leak from one change to the next, and after a
 * trap its memory means nothing. Every pointer and length that it returns is checked before it is
 * followed, because a miscompiled core may return anything.
 */
public final class Core {
  /**
   * Most memory of an instance. The largest input of 32 MiB fits beside its parsed form; some
   * workers at once still leave a Gerrit of the usual size its heap.
   */
  static final int MEMORY_BYTES = 64 << 20;

  private static final int PAGE_BYTES = 64 << 10;

  /** Size of {@code result<list<u8>, string>} in memory: tag, padding, pointer, length. */
  private static final int RESULT_BYTES = 12;

  /** Size of {@code list<u8>} in memory: pointer, length. */
  private static final int LIST_BYTES = 8;

  private static final int OK = 0;
  private static final int ERR = 1;

  private final Instance instance;
  private final Memory memory;

  /** Makes an instance; the first one also loads the module, which takes some 100 ms. */
  public Core() {
    this(CoreModule.load(), CoreModule::create);
  }

  /** The same of any module, so that tests can have one that misbehaves. */
  Core(WasmModule module, Function<Instance, Machine> machine) {
    int initialPages = module.memorySection().orElseThrow().getMemory(0).limits().initialPages();
    instance =
        Instance.builder(module)
            .withMachineFactory(machine)
            .withMemoryFactory(ByteArrayMemory::new)
            .withMemoryLimits(new MemoryLimits(initialPages, MEMORY_BYTES / PAGE_BYTES))
            .build();
    memory = instance.memory();
  }

  /**
   * Carries out one verb.
   *
   * @param input JSON; ignored by {@link Verb#DESCRIBE}
   * @return JSON
   * @throws CoreRefusedException if the core answers {@code err}
   * @throws CoreException if the core traps, is interrupted, or breaks the ABI
   */
  public byte[] call(Verb verb, byte[] input) throws CoreException {
    try {
      return verb == Verb.DESCRIBE ? describe() : answer(verb, input);
    } catch (WasmEngineException e) {
      throw new CoreException("the core stopped in " + verb.word() + ": " + e.getMessage(), e);
    }
  }

  /** {@code describe: func() -> list<u8>}. */
  private byte[] describe() throws CoreException {
    int list = pointer(Verb.DESCRIBE.export());
    checked(list, LIST_BYTES);
    byte[] output = list(list);
    free(Verb.DESCRIBE, list);
    return output;
  }

  /** {@code verb: func(input: list<u8>) -> result<list<u8>, string>}. */
  private byte[] answer(Verb verb, byte[] input) throws CoreException {
    int in = pointer("cabi_realloc", 0, 0, 1, input.length);
    memory.write(checked(in, input.length), input);
    // The callee frees the input.
    int result = pointer(verb.export(), in, input.length);
    checked(result, RESULT_BYTES);
    int tag = memory.read(result) & 0xff;
    byte[] output = list(result + 4);
    free(verb, result);
    return switch (tag) {
      case OK -> output;
      case ERR -> throw new CoreRefusedException(new String(output, UTF_8));
      default -> throw new CoreException("the core returned a result with the tag " + tag);
    };
  }

  private byte[] list(int at) throws CoreException {
    int length = memory.readInt(at + 4);
    return memory.readBytes(checked(memory.readInt(at), length), length);
  }

  private void free(Verb verb, int returned) {
    instance.export(verb.freeingExport()).apply(returned);
  }

  private int pointer(String export, long... arguments) throws CoreException {
    long[] results = instance.export(export).apply(arguments);
    if (results == null || results.length != 1) {
      throw new CoreException("the core's export " + export + " returned no pointer");
    }
    return (int) results[0];
  }

  /** Returns {@code pointer} if {@code length} bytes from there lie within the memory. */
  private int checked(int pointer, int length) throws CoreException {
    long end = Integer.toUnsignedLong(pointer) + Integer.toUnsignedLong(length);
    if (end > (long) memory.pages() * PAGE_BYTES) {
      throw new CoreException(
          "the core returned "
              + Integer.toUnsignedString(length)
              + " bytes at "
              + Integer.toUnsignedString(pointer)
              + ", beyond its memory");
    }
    return pointer;
  }
}
