//! What all pages have in common.

use maud::{DOCTYPE, Markup, html};

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
code { font-size: .9em; }
.ready { color: #18794e; } .waiting { color: #946800; } .refused { color: #c62a2f; }
.muted { opacity: .7; }
";

/// A page.
pub(crate) fn page(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Tidegate" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                p { a href="/" { "Tidegate" } " · " a href="/" { "Changes" } " · " a href="/rollouts" { "Rollouts" } }
                h1 { (title) }
                (body)
            }
        }
    }
}
