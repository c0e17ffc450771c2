/**
 * The facts: what a decision is taken from, read from Gerrit and written in the core's form. The
 * host reads the same ones by other ways; at equal commits they must be equal.
 */
package dev.tidegate.gerrit.facts;
