//! Times, for people and for machines.

use maud::{Markup, html};

/// A time in milliseconds since the epoch, in UTC.
pub(crate) fn utc(at_ms: i64) -> Markup {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => html! {
            time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) {
                (at.strftime("%Y-%m-%d %H:%M:%S UTC"))
            }
        },
        Err(_) => html! { time { "at no time that a calendar has" } },
    }
}

/// A duration in milliseconds, to a tenth of a second.
pub(crate) fn seconds(took_ms: u64) -> String {
    format!("{}.{} s", took_ms / 1000, took_ms % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc() {
        let text = utc(1_764_000_001_000).into_string();
        assert_eq!(text, "<time datetime=\"2025-11-24T16:00:01Z\">2025-11-24 16:00:01 UTC</time>");
    }

    #[test]
    fn a_time_out_of_the_calendar_is_no_error() {
        assert!(utc(i64::MAX).into_string().contains("no time"));
    }
}
