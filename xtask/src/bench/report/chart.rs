//! The ratios as bars, one group for each workload, in SVG.

use std::fmt::Write as _;

use crate::bench::results::{REFERENCE, Results};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 250.0;
const BAR: f64 = 12.0;
const GAP: f64 = 14.0;
const TOP: f64 = 48.0;
/// Ratios beyond are cut, and written beside the bar.
const MOST: f64 = 3.0;
const COLOURS: [&str; 8] =
    ["#1f77b4", "#0b3d66", "#8a8a8a", "#c27c0e", "#7b4ea3", "#2f8f5b", "#b03a48", "#5c6b73"];

pub(super) fn draw(results: &Results) -> String {
    let proxies: Vec<_> = results.proxies().filter(|proxy| *proxy != REFERENCE).collect();
    let scale = (WIDTH - LEFT - 70.0) / MOST;
    let mut bars = String::new();
    let mut y = TOP;
    for workload in &results.workloads {
        let Some(reference) = results.of(workload, REFERENCE) else { continue };
        let group = y;
        for (index, proxy) in proxies.iter().enumerate() {
            let ratio = results.of(workload, proxy).and_then(|series| series.ratio_to(reference));
            let Some(ratio) = ratio else { continue };
            let width = ratio.median.min(MOST) * scale;
            let _written = writeln!(
                bars,
                r#"<rect x="{LEFT}" y="{y:.0}" width="{width:.1}" height="{BAR}" fill="{}"/><text x="{:.1}" y="{:.0}">{:.2}</text>"#,
                COLOURS[index % COLOURS.len()],
                LEFT + width + 5.0,
                y + BAR - 2.0,
                ratio.median
            );
            y += BAR;
        }
        let middle = (group + y) / 2.0 + 4.0;
        let _written = writeln!(
            bars,
            r#"<text x="{:.0}" y="{middle:.0}" text-anchor="end">{}</text>"#,
            LEFT - 8.0,
            workload.title
        );
        y += GAP;
    }
    let one = LEFT + scale;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{:.0}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}{bars}\
         <line x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"{:.0}\" y2=\"{y:.0}\" stroke=\"black\" stroke-dasharray=\"3\"/>\n\
         <text x=\"{one:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{REFERENCE} = 1, less is better</text>\n</svg>\n",
        y + 8.0,
        legend(&proxies),
        TOP - 6.0,
        TOP - 10.0
    )
}

fn legend(proxies: &[&str]) -> String {
    let mut text = String::new();
    let mut x = 12.0;
    for (index, proxy) in proxies.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let _written = writeln!(
            text,
            r#"<rect x="{x:.0}" y="8" width="10" height="10" fill="{colour}"/><text x="{:.0}" y="17">{proxy}</text>"#,
            x + 14.0
        );
        x += 34.0 + 7.0 * proxy.len() as f64;
    }
    text
}
