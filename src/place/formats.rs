//! Placement problems as files: QAPLIB `.dat` (R. E. Burkard, S. E. Karisch, F. Rendl 1997) and lists of traffic
//! ("n side", then "u v w"), as the generators of the ASPLOS 2023 paper on very large SNNs leave them.

use super::Flow;
use super::tabu::Dense;
use crate::diag::{Problem, Result};

/// Most clusters of a list of traffic.
const MOST_CLUSTERS: usize = 1 << 24;
/// Largest quadratic assignment: its matrices are dense.
const MOST_PLACES: usize = 4096;

/// A quadratic assignment as QAPLIB stores it: `cost = sum over i, j of a[i][j] * b[p(i)][p(j)]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Qap {
    /// Facilities and places.
    pub n: usize,
    /// First matrix, row-major.
    pub a: Vec<f64>,
    /// Second matrix, row-major.
    pub b: Vec<f64>,
}

/// Cells (x, y) of a unit grid, one a row of a distance matrix.
pub type Cells = Vec<(i32, i32)>;

/// A quadratic assignment with its grid found.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Whether the first matrix is the distance.
    pub first: bool,
    /// The cell of every place, from (0, 0), the longer side along x; empty where no matrix is a grid.
    pub cells: Cells,
    /// Columns and rows of the grid; (0, 0) where there is none.
    pub size: (usize, usize),
}

/// A word of a file with the line that it stands on.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| line.split_whitespace().map(move |word| (number + 1, word)))
}

fn at(file: &str, line: usize) -> String {
    format!("{file}:{line}")
}

fn number<T: std::str::FromStr>(file: &str, (line, word): (usize, &str), what: &str) -> Result<T> {
    word.parse().map_err(|_| {
        Problem::invalid("place/number", at(file, line), format!("'{word}' is no {what}"))
            .help("correct the file; numbers are separated by blanks")
            .into()
    })
}

/// Reads a QAPLIB file.
///
/// # Errors
/// `place/number`, `place/length`, `place/size` with the line.
pub fn read_qap(text: &str, file: &str) -> Result<Qap> {
    let mut words = words(text);
    let Some(first) = words.next() else {
        return Err(Problem::invalid("place/length", file, "the file is empty")
            .help("a QAPLIB file holds n and two n x n matrices")
            .into());
    };
    let n: usize = number(file, first, "count of places")?;
    if n == 0 || n > MOST_PLACES {
        return Err(Problem::invalid("place/size", at(file, first.0), format!("{n} places"))
            .limit(format!("1 to {MOST_PLACES} places of a dense problem"))
            .help("give larger problems as a list of traffic, FILE.txt with --side")
            .into());
    }
    let mut values = Vec::new();
    let mut last = first.0;
    for word in words {
        last = word.0;
        if values.len() == 2 * n * n {
            return Err(Problem::invalid(
                "place/length",
                at(file, word.0),
                format!("'{}' is one number too many", word.1),
            )
            .limit(format!("two {n} x {n} matrices, {} numbers", 2 * n * n))
            .help("compare the count in the first line with the matrices")
            .into());
        }
        let value: f64 = number(file, word, "number")?;
        if !value.is_finite() {
            return Err(Problem::invalid("place/number", at(file, word.0), format!("'{}' is not finite", word.1))
                .help("write a finite number")
                .into());
        }
        values.push(value);
    }
    if values.len() != 2 * n * n {
        let what = format!("{} numbers after the first, the file ends early", values.len());
        return Err(Problem::invalid("place/length", at(file, last), what)
            .limit(format!("two {n} x {n} matrices, {} numbers", 2 * n * n))
            .help("the file may be cut off")
            .into());
    }
    let b = values.split_off(n * n);
    Ok(Qap { n, a: values, b })
}

impl Qap {
    /// Cost of a permutation: `p[i]` is the row of the second matrix that row i of the first is given.
    #[must_use]
    pub fn cost(&self, p: &[u32]) -> f64 {
        let n = self.n;
        let row =
            |i: usize| -> f64 { (0..n).map(|j| self.a[i * n + j] * self.b[p[i] as usize * n + p[j] as usize]).sum() };
        (0..n).map(row).sum()
    }

    /// Finds which matrix is the Manhattan distance of a unit grid (the first where both are); where none is, the
    /// symmetric one with a zero diagonal serves as distance and there are no cells.
    ///
    /// # Errors
    /// `place/grid` where no matrix can be a distance.
    pub fn grid(&self) -> Result<Grid> {
        for (first, matrix) in [(true, &self.a), (false, &self.b)] {
            if let Some(cells) = embed(matrix, self.n) {
                let (cells, size) = normal(cells);
                return Ok(Grid { first, cells, size });
            }
        }
        for (first, matrix) in [(true, &self.a), (false, &self.b)] {
            let n = self.n;
            if (0..n).all(|i| matrix[i * n + i] == 0.0 && (0..i).all(|j| matrix[i * n + j] == matrix[j * n + i])) {
                return Ok(Grid { first, cells: Vec::new(), size: (0, 0) });
            }
        }
        Err(Problem::invalid("place/grid", "", "neither matrix can be a distance between places")
            .limit("a symmetric matrix with zero diagonal")
            .help("for a mesh, one matrix holds the Manhattan distances of its cores")
            .into())
    }

    /// As flow and distance, with the constant that self-traffic adds taken off (it is 0 on a zero diagonal).
    #[must_use]
    pub fn dense(&self, grid: &Grid) -> Dense {
        let n = self.n;
        let (distance, flow) = if grid.first { (&self.a, &self.b) } else { (&self.b, &self.a) };
        let sum = |i: usize, j: usize| if i == j { 0.0 } else { flow[i * n + j] + flow[j * n + i] };
        let flow = (0..n * n).map(|at| sum(at / n, at % n)).collect();
        Dense { n, flow, distance: distance.clone() }
    }

    /// The permutation in the file's sense, from the place of every facility.
    #[must_use]
    pub fn permutation(&self, grid: &Grid, place: &[u32]) -> Vec<u32> {
        if !grid.first {
            return place.to_vec();
        }
        let mut inverse = vec![0; place.len()];
        for (facility, &place) in place.iter().enumerate() {
            inverse[place as usize] = facility as u32;
        }
        inverse
    }
}

/// Embeds a distance matrix in the unit grid with Manhattan distances, by backtracking from place to nearest place.
fn embed(matrix: &[f64], n: usize) -> Option<Cells> {
    let mut d = vec![0_i64; n * n];
    for i in 0..n {
        for j in 0..n {
            let x = matrix[i * n + j];
            let fits = x.fract() == 0.0 && x == matrix[j * n + i] && (i == j) == (x == 0.0);
            if !fits || !(0.0..=1e6).contains(&x) {
                return None;
            }
            d[i * n + j] = x as i64;
        }
    }
    // Prim's order: each next place is nearest to one that stands already.
    let mut order = vec![(0_usize, 0_usize)];
    let mut near: Vec<(i64, usize)> = (0..n).map(|k| (d[k], 0)).collect();
    let mut done = vec![false; n];
    done[0] = true;
    while order.len() < n {
        let next = (0..n).filter(|k| !done[*k]).min_by_key(|k| near[*k].0)?;
        done[next] = true;
        order.push((next, near[next].1));
        for k in 0..n {
            if d[next * n + k] < near[k].0 {
                near[k] = (d[next * n + k], next);
            }
        }
    }
    let mut cells = vec![(0, 0); n];
    let mut budget = 2_000_000_u64;
    stand(&order, 1, &d, n, &mut cells, &mut budget).then_some(cells)
}

fn stand(order: &[(usize, usize)], depth: usize, d: &[i64], n: usize, cells: &mut Cells, budget: &mut u64) -> bool {
    let Some(&(who, from)) = order.get(depth) else { return true };
    let r = d[who * n + from] as i32;
    for step in 0..4 * r {
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            return false;
        }
        let (side, k) = (step / r, step % r);
        let (dx, dy) = [(r - k, k), (-k, r - k), (k - r, -k), (k, k - r)][side as usize];
        let cell = (cells[from].0 + dx, cells[from].1 + dy);
        let fits = order[..depth].iter().all(|&(other, _)| {
            let there = cells[other];
            i64::from((there.0 - cell.0).abs() + (there.1 - cell.1).abs()) == d[who * n + other]
        });
        if fits {
            cells[who] = cell;
            if stand(order, depth + 1, d, n, cells, budget) {
                return true;
            }
        }
    }
    false
}

/// Moved to (0, 0), the longer side along x.
fn normal(mut cells: Cells) -> (Cells, (usize, usize)) {
    let low = |f: fn(&(i32, i32)) -> i32, cells: &Cells| cells.iter().map(f).min().unwrap_or(0);
    let (x0, y0) = (low(|c| c.0, &cells), low(|c| c.1, &cells));
    cells.iter_mut().for_each(|c| *c = (c.0 - x0, c.1 - y0));
    let high = |f: fn(&(i32, i32)) -> i32, cells: &Cells| cells.iter().map(f).max().unwrap_or(0) as usize + 1;
    let (mut w, mut h) = (high(|c| c.0, &cells), high(|c| c.1, &cells));
    if h > w {
        cells.iter_mut().for_each(|c| *c = (c.1, c.0));
        (w, h) = (h, w);
    }
    (cells, (w, h))
}

/// Reads a list of traffic: "n side", then "u v w" lines; `#` begins a comment.
///
/// # Errors
/// `place/number`, `place/length`, `place/size`, `place/flow` with the line.
pub fn read_traffic(text: &str, file: &str) -> Result<(Flow, usize)> {
    let mut list = Vec::new();
    let mut head = None;
    for (number_of_line, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let parts: Vec<(usize, &str)> = line.split_whitespace().map(|word| (number_of_line + 1, word)).collect();
        let Some(&first) = parts.first() else { continue };
        let place = at(file, first.0);
        let wrong = |limit: &str| {
            Problem::invalid("place/length", place.clone(), format!("{} numbers in this line", parts.len()))
                .limit(limit.to_owned())
                .help("the first line is 'n side', every other one 'u v w'")
        };
        let Some((n, _)) = head else {
            let [n, side] = parts[..] else { return Err(wrong("2 numbers: clusters and side of the mesh").into()) };
            let (n, side): (usize, usize) =
                (number(file, n, "count of clusters")?, number(file, side, "side of a mesh")?);
            if n == 0 || n > MOST_CLUSTERS || side > 65_536 {
                return Err(Problem::invalid("place/size", place, format!("{n} clusters on a mesh of side {side}"))
                    .limit(format!("1 to {MOST_CLUSTERS} clusters, side up to 65536"))
                    .help("correct the first line")
                    .into());
            }
            head = Some((n, side));
            continue;
        };
        let [u, v, w] = parts[..] else { return Err(wrong("3 numbers: two clusters and their traffic").into()) };
        let (u, v): (u32, u32) = (number(file, u, "cluster")?, number(file, v, "cluster")?);
        let w: f64 = number(file, w, "traffic")?;
        if u as usize >= n || v as usize >= n || !w.is_finite() || w < 0.0 {
            return Err(Problem::invalid("place/flow", place, format!("traffic {w} from cluster {u} to {v}"))
                .limit(format!("clusters 0 to {}, weights finite and not negative", n - 1))
                .help("clusters are numbered from 0")
                .into());
        }
        list.push((u, v, w));
    }
    let Some((n, side)) = head else {
        return Err(Problem::invalid("place/length", file, "the file is empty")
            .help("the first line is 'n side', every other one 'u v w'")
            .into());
    };
    Ok((Flow::new(n, &list)?, side))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(cells: &[(i32, i32)]) -> Vec<f64> {
        let pair = |a: &(i32, i32), b: &(i32, i32)| f64::from((a.0 - b.0).abs() + (a.1 - b.1).abs());
        cells.iter().flat_map(|a| cells.iter().map(move |b| pair(a, b))).collect()
    }

    #[test]
    fn a_grid_is_found_in_any_order_and_with_holes() {
        let mut rng = crate::rng::Rng::new(4);
        for (w, h, holes) in [(4, 3, 0), (5, 4, 4), (2, 11, 0), (7, 7, 9), (1, 6, 0), (10, 10, 13)] {
            let mut cells: Vec<(i32, i32)> = (0..w * h).map(|k| (k % w, k / w)).collect();
            rng.shuffle(&mut cells);
            cells.truncate((w * h - holes) as usize);
            let found = embed(&distances(&cells), cells.len()).expect("a grid");
            assert_eq!(distances(&found), distances(&cells), "{w} x {h} - {holes}");
        }
        let mut spoilt = distances(&[(0, 0), (1, 0), (0, 1)]);
        (spoilt[1], spoilt[3]) = (5.0, 5.0);
        assert_eq!(embed(&spoilt, 3), None);
    }

    #[test]
    fn bad_files_are_refused_with_their_line() {
        let tell = |text: &str| read_qap(text, "x.dat").expect_err(text).to_string();
        assert!(tell("2\n0 1\n1 zero\n").contains("x.dat:3: 'zero'"));
        assert!(tell("2\n0 1 1 0\n0 1\n").contains("x.dat:3: 6 numbers"));
        assert!(tell("1\n0\n0\n7\n").contains("x.dat:4"));
        assert!(tell("99999999").contains("places"));
        assert!(tell("").contains("empty"));
        let tell = |text: &str| read_traffic(text, "x.txt").expect_err(text).to_string();
        assert!(tell("4 2\n0 1 1\n0 4 1\n").contains("x.txt:3"));
        assert!(tell("4 2\n0 1\n").contains("x.txt:2"));
        assert!(tell("4 2\n0 1 -1\n").contains("x.txt:2"));
        assert!(tell("4\n").contains("x.txt:1"));
        assert!(tell("4 2\n0 1 nan\n").contains("x.txt:2"));
    }
}
