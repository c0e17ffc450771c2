/** The core, compiled to bytecode: calls in, answers out, and nothing of Gerrit. */
package dev.tidegate.core;
