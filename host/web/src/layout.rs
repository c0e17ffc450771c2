//! What all pages have in common.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The pages that every page leads to.
const NAVIGATION: [(&str, &str); 3] =
    [("/", "Changes"), ("/rollouts", "Rollouts"), ("/stacks", "Stacks")];

const STYLE: &str = include_str!("style.css");

/// A page.
pub(crate) fn page(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Tidegate" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    nav aria-label="Pages" {
                        strong { "Tidegate" }
                        @for (address, name) in NAVIGATION { a href=(address) { (name) } }
                    }
                }
                main id="content" {
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
}

/// A table that scrolls by itself where it is wider than the screen, also by the keyboard.
pub(crate) fn wide(name: &str, table: Markup) -> Markup {
    html! { div.wide role="region" tabindex="0" aria-label=(name) { (table) } }
}
