//! Charts of where things happen: spike raster, mesh, cores.

use std::fmt::Write as _;

use crate::report::format::{count, percent, si};
use crate::report::html::chart::level;
use crate::report::html::svg::{Svg, at, marks};
use crate::report::json::model::{Capacity, Link, Mesh, Raster};

/// Most elements with a tooltip of their own in one chart.
const TOOLTIPS: usize = 1_500;
/// Most bars of a capacity strip.
pub(super) const BARS: usize = 256;
/// Most routers that are drawn.
const ROUTERS: u32 = 16_384;

/// Spikes of the shown sample, one band a population.
pub(super) fn raster(raster: &Raster) -> String {
    let (left, top, width, gap) = (110.0, 4.0, 1000.0, 10.0);
    let tall = |rows: u32| (f64::from(rows) * 3.0).clamp(28.0, 190.0);
    let height: f64 = raster.bands.iter().map(|band| tall(band.rows) + gap).sum();
    let mut svg = Svg::new(left + width + 10.0, top + height + 34.0);
    let x = |tick: f64| left + width * tick / f64::from(raster.ticks.max(1));
    let mut y = top;
    for (index, band) in raster.bands.iter().enumerate() {
        let (high, row) = (tall(band.rows), tall(band.rows) / f64::from(band.rows.max(1)));
        svg.rect("fg", (left, y), (width, high), None);
        svg.text("r", (left - 8.0, y + 12.0), &band.name);
        svg.text("l r", (left - 8.0, y + 26.0), &count(u64::from(band.rows)));
        let mark = row.clamp(1.7, 6.0);
        let mut data = String::new();
        let rows = band.first..band.first.saturating_add(band.rows);
        let inside = raster.spikes.iter().filter(|(_, row)| rows.contains(row));
        for &(tick, at_row) in inside {
            let up = y + row * f64::from(at_row - band.first);
            let _ = write!(data, "M{} {}v{}", at(x(f64::from(tick) + 0.5)), at(up), at(mark));
        }
        let wide = (width / f64::from(raster.ticks.max(1)) * 0.6).clamp(1.0, 4.0);
        svg.stroke(["sa", "sb", "sc", "sd"][index % 4], wide, &data, None);
        y += high + gap;
    }
    for mark in marks(f64::from(raster.ticks), 12.0).into_iter().filter(|mark| mark.fract() == 0.0) {
        svg.text("l m", (x(mark), top + height + 8.0), &at(mark));
    }
    svg.text("l m", (left + width / 2.0, top + height + 26.0), "tick");
    svg.finish("spike raster")
}

/// Geometry of the mesh: cell pitch and the gap in which links run.
struct Plan {
    pitch: f64,
    cell: f64,
    left: f64,
    top: f64,
    x: u16,
    y: u16,
}

impl Plan {
    fn corner(&self, x: u16, y: u16) -> (f64, f64) {
        let (column, row) = (f64::from(x) - f64::from(self.x), f64::from(y) - f64::from(self.y));
        (self.left + self.pitch * column, self.top + self.pitch * row)
    }

    fn cell_path(&self, x: u16, y: u16) -> String {
        let (left, top) = self.corner(x, y);
        let side = at(self.cell);
        format!("M{} {}h{side}v{side}h-{side}z", at(left), at(top))
    }

    /// From the edge of the sending router to the edge of the next; the two directions run beside each other.
    fn link_path(&self, link: &Link) -> String {
        let (left, top) = self.corner(link.x, link.y);
        let (middle, aside, gap) = (self.cell / 2.0, self.cell * 0.16, at(self.pitch - self.cell));
        let (start, step) = match link.direction {
            0 => ((left + self.cell, top + middle - aside), format!("h{gap}")),
            1 => ((left, top + middle + aside), format!("h-{gap}")),
            2 => ((left + middle - aside, top), format!("v-{gap}")),
            _ => ((left + middle + aside, top + self.cell), format!("v{gap}")),
        };
        format!("M{} {}{step}", at(start.0), at(start.1))
    }
}

/// Whether the part of the mesh in use has more routers than a page can hold.
pub(super) fn too_large(mesh: &Mesh) -> bool {
    u32::from(mesh.width) * u32::from(mesh.height) > ROUTERS || mesh.links.len() > 4 * ROUTERS as usize
}

/// Routers by synaptic events, links by packets.
pub(super) fn mesh(mesh: &Mesh) -> String {
    let pitch = (500.0 / f64::from(mesh.width.max(1))).min(330.0 / f64::from(mesh.height.max(1))).clamp(6.0, 62.0);
    let plan = Plan { pitch, cell: pitch * 0.68, left: 8.0, top: 20.0, x: mesh.x, y: mesh.y };
    let (wide, tall) = (pitch * f64::from(mesh.width), pitch * f64::from(mesh.height));
    let mut svg = Svg::new((wide + 16.0).max(540.0), plan.top + tall + 30.0);
    let (host_x, _) = plan.corner(mesh.host.0, mesh.host.1);
    svg.text("l", (host_x, 11.0), if mesh.host.1 == mesh.y { "▾ host" } else { "" });
    let used = |x, y| mesh.routers.iter().any(|router| (router.x, router.y) == (x, y));
    let mut idle = String::new();
    for y in mesh.y..mesh.y.saturating_add(mesh.height) {
        for x in mesh.x..mesh.x.saturating_add(mesh.width) {
            if mesh.routers.len() > TOOLTIPS || !used(x, y) {
                idle.push_str(&plan.cell_path(x, y));
            }
        }
    }
    svg.path("g", &idle);
    draw_links(&mut svg, &plan, mesh);
    draw_routers(&mut svg, &plan, mesh);
    scale(&mut svg, &plan, mesh, tall);
    svg.finish("mesh heat map")
}

fn draw_routers(svg: &mut Svg, plan: &Plan, mesh: &Mesh) {
    let most = mesh.routers.iter().map(|router| router.synaptic_events).max().unwrap_or(0) as f64;
    let mut merged = vec![String::new(); 8];
    for router in &mesh.routers {
        let level = level(router.synaptic_events as f64, most, 8);
        if mesh.routers.len() > TOOLTIPS {
            merged[level].push_str(&plan.cell_path(router.x, router.y));
            continue;
        }
        let title = format!(
            "router ({}, {}): {} cores, {} synaptic events, {} spikes, {} packets in",
            router.x,
            router.y,
            router.cores,
            count(router.synaptic_events),
            count(router.spikes),
            count(router.packets_in)
        );
        svg.rect(&format!("h{level}"), plan.corner(router.x, router.y), (plan.cell, plan.cell), Some(&title));
    }
    merged.iter().enumerate().for_each(|(level, data)| svg.path(&format!("h{level}"), data));
}

fn draw_links(svg: &mut Svg, plan: &Plan, mesh: &Mesh) {
    let most = mesh.links.iter().map(|link| link.packets).max().unwrap_or(0) as f64;
    let thick = (plan.cell * 0.14).clamp(1.0, 5.0);
    let mut merged = vec![String::new(); 5];
    for link in &mesh.links {
        let level = level(link.packets as f64, most, 5);
        if mesh.links.len() > TOOLTIPS {
            merged[level].push_str(&plan.link_path(link));
            continue;
        }
        let direction = ["east", "west", "north", "south"].get(usize::from(link.direction)).unwrap_or(&"");
        let packets = count(link.packets);
        let title = format!("({}, {}) {direction}: {packets} packets, at most {} a tick", link.x, link.y, link.peak);
        svg.stroke(&format!("w{level}"), thick, &plan.link_path(link), Some(&title));
    }
    for (level, data) in merged.iter().enumerate() {
        svg.stroke(&format!("w{level}"), thick, data, None);
    }
}

fn scale(svg: &mut Svg, plan: &Plan, mesh: &Mesh, tall: f64) {
    let y = plan.top + tall + 8.0;
    for step in 0..8 {
        svg.rect(&format!("h{step}"), (plan.left + f64::from(step) * 13.0, y), (12.0, 12.0), None);
    }
    let events = mesh.routers.iter().map(|router| router.synaptic_events).max().unwrap_or(0);
    svg.text("l", (plan.left + 110.0, y + 10.5), &format!("≤ {}", si(events as f64, " synaptic events")));
    if mesh.links.is_empty() {
        return;
    }
    for step in 0..5 {
        let from = at(plan.left + 290.0 + f64::from(step) * 15.0);
        svg.stroke(&format!("w{step}"), 5.0, &format!("M{from} {}h13", at(y + 6.0)), None);
    }
    let packets = mesh.links.iter().map(|link| link.packets).max().unwrap_or(0);
    svg.text("l", (plan.left + 372.0, y + 10.5), &format!("≤ {}", si(packets as f64, " packets")));
}

/// One strip a resource: the use of every core against the limit.
pub(super) fn capacities(capacities: &[Capacity]) -> String {
    let (left, width, line, tall) = (146.0, 264.0, 50.0, 34.0);
    let mut svg = Svg::new(540.0, capacities.len() as f64 * line + 4.0);
    for (row, capacity) in capacities.iter().enumerate() {
        let y = row as f64 * line + 6.0;
        svg.text("r", (left - 8.0, y + 14.0), &capacity.resource);
        svg.text("l r", (left - 8.0, y + 28.0), &format!("of {}", count(u64::from(capacity.limit))));
        svg.rect("fg", (left, y), (width, tall), None);
        let group = capacity.used.len().div_ceil(BARS).max(1);
        let bars = capacity.used.chunks(group).map(|cores| cores.iter().copied().max().unwrap_or(0));
        let step = width / bars.len().max(1) as f64;
        let wide = if step > 3.0 { (step - 1.0).min(24.0) } else { step };
        let mut data = String::new();
        for (index, used) in bars.enumerate() {
            let high = tall * (f64::from(used) / f64::from(capacity.limit.max(1))).min(1.0);
            let (x, up) = (at(left + step * index as f64), at(y + tall - high));
            let _ = write!(data, "M{x} {up}h{}v{}h-{}z", at(wide), at(high), at(wide));
        }
        svg.path("fa", &data);
        svg.path("lim", &format!("M{} {}h{}", at(left), at(y), at(width)));
        svg.text("", (left + width + 12.0, y + 14.0), &format!("mean {}", percent(capacity.mean())));
        let worst = format!("most {} on {}", percent(capacity.worst()), capacity.fullest_core);
        svg.text("l", (left + width + 12.0, y + 29.0), &worst);
    }
    svg.finish("use of every core against every capacity")
}
