/** What the plugin says of itself. */
package dev.tidegate.gerrit.status;
