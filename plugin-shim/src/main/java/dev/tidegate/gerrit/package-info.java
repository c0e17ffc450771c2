/** The plugin as Gerrit loads it: three modules that install those of the packages below. */
package dev.tidegate.gerrit;
