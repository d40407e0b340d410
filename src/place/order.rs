//! `row-major`, `zigzag`, `hilbert`: the orders in which a mesh is filled without a look at the traffic.

/// Row after row; with `turning`, odd rows run westwards.
#[must_use]
pub fn rows(width: u16, height: u16, turning: bool) -> Vec<(u16, u16)> {
    (0..height)
        .flat_map(|y| {
            let westwards = turning && y % 2 == 1;
            (0..width).map(move |x| (if westwards { width - 1 - x } else { x }, y))
        })
        .collect()
}

/// A step or an extent in the plane.
type Vector = (i32, i32);

/// A Hilbert-like curve on any rectangle. Each call fills the parallelogram of the major axis `a` and the minor
/// axis `b` from `at`: long ones are halved along `a`, others are entered along `b`, crossed along `a` and left
/// against `b`. Every cell is visited once; steps are to a neighbour, save one diagonal where parities force it.
/// (The scheme is Cerveny's "generalized Hilbert curve"; halves are kept even where they can be, so that the
/// parts end beside each other.)
#[must_use]
pub fn hilbert(width: u16, height: u16) -> Vec<(u16, u16)> {
    let mut cells = Vec::with_capacity(usize::from(width) * usize::from(height));
    let (w, h) = (i32::from(width), i32::from(height));
    if w > 0 && h > 0 {
        let (a, b) = if w >= h { ((w, 0), (0, h)) } else { ((0, h), (w, 0)) };
        fill((0, 0), a, b, &mut cells);
    }
    cells
}

fn fill(at: Vector, a: Vector, b: Vector, cells: &mut Vec<(u16, u16)>) {
    let (length, breadth) = (extent(a), extent(b));
    let (step_a, step_b) = (unit(a), unit(b));
    if breadth == 1 || length == 1 {
        let (step, count) = if breadth == 1 { (step_a, length) } else { (step_b, breadth) };
        cells.extend((0..count).map(|k| ((at.0 + k * step.0) as u16, (at.1 + k * step.1) as u16)));
        return;
    }
    let mut half_a = (a.0 / 2, a.1 / 2);
    let mut half_b = (b.0 / 2, b.1 / 2);
    if 2 * length > 3 * breadth {
        if extent(half_a) % 2 == 1 && length > 2 {
            half_a = add(half_a, step_a);
        }
        fill(at, half_a, b, cells);
        fill(add(at, half_a), subtract(a, half_a), b, cells);
    } else {
        if extent(half_b) % 2 == 1 && breadth > 2 {
            half_b = add(half_b, step_b);
        }
        fill(at, half_b, half_a, cells);
        fill(add(at, half_b), a, subtract(b, half_b), cells);
        let corner = add(add(at, subtract(a, step_a)), subtract(half_b, step_b));
        let back = subtract(half_a, a);
        fill(corner, (-half_b.0, -half_b.1), back, cells);
    }
}

const fn add(a: Vector, b: Vector) -> Vector {
    (a.0 + b.0, a.1 + b.1)
}

const fn subtract(a: Vector, b: Vector) -> Vector {
    (a.0 - b.0, a.1 - b.1)
}

/// Length of an axis-parallel vector.
const fn extent(v: Vector) -> i32 {
    (v.0 + v.1).abs()
}

const fn unit(v: Vector) -> Vector {
    (v.0.signum(), v.1.signum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_visits_every_router_once() {
        for (width, height) in (1..=17).flat_map(|w| (1..=17).map(move |h| (w, h))) {
            for mut cells in [rows(width, height, false), rows(width, height, true), hilbert(width, height)] {
                assert_eq!(cells.len(), usize::from(width * height));
                cells.sort_unstable();
                cells.dedup();
                assert_eq!(cells.len(), usize::from(width * height), "{width} x {height}");
            }
        }
    }

    #[test]
    fn the_hilbert_order_steps_to_neighbours_save_one_forced_diagonal() {
        for (width, height) in (1..=40).flat_map(|w| (1..=40).map(move |h| (w, h))) {
            let cells = hilbert(width, height);
            let far = |pair: &&[(u16, u16)]| pair[0].0.abs_diff(pair[1].0) + pair[0].1.abs_diff(pair[1].1) > 1;
            let jumps: Vec<_> = cells.windows(2).filter(far).collect();
            assert!(jumps.len() <= 1, "{width} x {height}: {jumps:?}");
            for pair in jumps {
                assert!(pair[0].0.abs_diff(pair[1].0) == 1 && pair[0].1.abs_diff(pair[1].1) == 1, "{pair:?}");
            }
            if width % 2 == 0 && height % 2 == 0 {
                assert!(!cells.windows(2).any(|pair| far(&pair)), "{width} x {height}");
            }
        }
    }
}
