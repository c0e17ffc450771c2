package dev.tidegate.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import run.endive.runtime.InterpreterMachine;
import run.endive.wasm.Parser;

/**
 * A core that misbehaves as a test wants it to. It is this module, interpreted:
 *
 * <pre>{@code
 * (memory (export "memory") 1)
 * (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
 *   i32.const 0 i32.load offset=32)
 * (func (export "tidegate:core/rules@0.1.0#decide") (param i32 i32) (result i32)
 *   i32.const 0 i32.load offset=28)
 * (func (export "cabi_post_tidegate:core/rules@0.1.0#decide") (param i32))
 * (func (export "tidegate:core/rules@0.1.0#plan") (param i32 i32) (result i32)
 *   (loop br 0) unreachable)
 * (func (export "tidegate:core/rules@0.1.0#steps") (param i32 i32) (result i32) unreachable)
 * (data (i32.const 16) ...20 bytes...)
 * }</pre>
 *
 * <p>The data are the result of {@code decide} (tag, pointer, length), where it says that this
 * lies, and where it allocates.
 */
final class FakeCore {
  static final int RESULT = 16;
  static final int SCRATCH = 1024;

  private static final int DATA_BYTES = 20;

  private static final String MODULE =
      """
      0061736d0100000001130360047f7f7f7f017f60027f7f017f60017f0003060500010201
      01050301000107ac0106066d656d6f727902000c636162695f7265616c6c6f6300002074
      696465676174653a636f72652f72756c657340302e312e302364656369646500012a6361
      62695f706f73745f74696465676174653a636f72652f72756c657340302e312e30236465
      6369646500021e74696465676174653a636f72652f72756c657340302e312e3023706c61
      6e00031f74696465676174653a636f72652f72756c657340302e312e3023737465707300
      040a2105070041002802200b0700410028021c0b02000b080003400c000b000b0300000b
      0b1a010041100b140000000000000000000000000000000000000000
      """;

  private FakeCore() {}

  /** One whose {@code decide} answers the byte at {@link #SCRATCH}: the first of its input. */
  static Core echoing() {
    return with(0, SCRATCH, 1, RESULT, SCRATCH);
  }

  static Core with(int tag, int pointer, int length, int result, int allocated) {
    byte[] module = HexFormat.of().parseHex(MODULE.replaceAll("\\s", ""));
    ByteBuffer.wrap(module, module.length - DATA_BYTES, DATA_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(tag)
        .putInt(pointer)
        .putInt(length)
        .putInt(result)
        .putInt(allocated);
    return new Core(Parser.parse(module), InterpreterMachine::new);
  }
}
