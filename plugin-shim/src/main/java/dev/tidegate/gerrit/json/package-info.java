/** JSON in and out. */
package dev.tidegate.gerrit.json;
