//! Quotes and list items, which hold other blocks, and what they put before each line.

use crate::output::markdown::style::{Look, Style};
use crate::output::markdown::width::width;
use crate::output::markdown::wrap::Margin;

/// What is nested deeper is text, so that a line's beginning is read in little time.
pub const MAX_DEPTH: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub kind: Kind,
    /// The marker of an item, until it is written.
    marker: Option<String>,
    /// Columns that it takes of each line.
    width: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Quote,
    /// The columns of its marker and of its text in the source, from the text of the
    /// innermost quote.
    Item {
        marker: usize,
        text: usize,
    },
}

impl Container {
    pub fn quote() -> Self {
        Self { kind: Kind::Quote, marker: None, width: 2 }
    }

    pub fn item(column: usize, text: usize, marker: String) -> Self {
        let width = width(&marker) + 1;
        Self { kind: Kind::Item { marker: column, text }, marker: Some(marker), width }
    }

    pub fn is_item(&self) -> bool {
        self.kind != Kind::Quote
    }

    pub fn has_marker(&self) -> bool {
        self.marker.is_some()
    }
}

/// The margin of the lines in `containers`, with their markers in its first line. It
/// leaves half of the width for text: the markers that have no room are returned too.
pub fn margin(containers: &mut [Container], look: Look, width: usize) -> (Margin, String) {
    let mut margin = Margin::default();
    let mut others = String::new();
    for container in containers {
        let marker = container.marker.take();
        if margin.width + container.width > width / 2 {
            others.extend(marker.map(|marker| marker + " "));
            continue;
        }
        margin.width += container.width;
        match container.kind {
            Kind::Quote => {
                for line in [&mut margin.first, &mut margin.rest] {
                    look.paint(line, Style::DIM, "│");
                    line.push(b' ');
                }
            }
            Kind::Item { .. } => {
                let blank = " ".repeat(container.width);
                let marker = marker.map_or(blank.clone(), |marker| marker + " ");
                margin.first.extend_from_slice(marker.as_bytes());
                margin.rest.extend_from_slice(blank.as_bytes());
            }
        }
    }
    (margin, others)
}
