package dev.tidegate.core;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;

/**
 * The bytes of bytecode of each method of a class file (The Java Virtual Machine Specification,
 * chapter 4). Read by hand, since libraries count instructions where HotSpot counts bytes.
 */
final class MethodSizes {
  private final DataInputStream in;
  private final Map<Integer, String> texts = new HashMap<>();
  private final Map<String, Integer> sizes = new HashMap<>();

  private MethodSizes(InputStream in) {
    this.in = new DataInputStream(in);
  }

  /** Sizes by method name; of overloaded methods the largest. */
  static Map<String, Integer> read(InputStream classFile) throws IOException {
    MethodSizes reader = new MethodSizes(classFile);
    reader.constants();
    // Access flags, this class, super class.
    reader.in.skipNBytes(6);
    reader.in.skipNBytes(2L * reader.in.readUnsignedShort());
    reader.members();
    reader.members();
    return reader.sizes;
  }

  private void constants() throws IOException {
    // Magic number and version.
    in.skipNBytes(8);
    int count = in.readUnsignedShort();
    for (int i = 1; i < count; i++) {
      int tag = in.readUnsignedByte();
      switch (tag) {
        case 1 -> texts.put(i, in.readUTF());
        case 3, 4, 9, 10, 11, 12, 17, 18 -> in.skipNBytes(4);
        case 5, 6 -> {
          in.skipNBytes(8);
          // A long or double takes two places.
          i++;
        }
        case 7, 8, 16, 19, 20 -> in.skipNBytes(2);
        case 15 -> in.skipNBytes(3);
        default -> throw new IOException("constant of the unknown kind " + tag);
      }
    }
  }

  /** Fields or methods: only methods have code. */
  private void members() throws IOException {
    for (int left = in.readUnsignedShort(); left > 0; left--) {
      in.skipNBytes(2);
      String name = texts.get(in.readUnsignedShort());
      in.skipNBytes(2);
      for (int attributes = in.readUnsignedShort(); attributes > 0; attributes--) {
        String attribute = texts.get(in.readUnsignedShort());
        long length = Integer.toUnsignedLong(in.readInt());
        if (attribute.equals("Code")) {
          // Before the code's length: the sizes of stack and locals.
          in.skipNBytes(4);
          int size = in.readInt();
          in.skipNBytes(length - 8);
          sizes.merge(name, size, Math::max);
        } else {
          in.skipNBytes(length);
        }
      }
    }
  }
}
