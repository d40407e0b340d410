//! Placement problems as files: QAPLIB `.dat` (R. E. Burkard, S. E. Karisch, F. Rendl 1997) and lists of traffic
//! ("n side", then "u v w"), as the generators of the ASPLOS 2023 paper on very large SNNs leave them.

use super::flow::MOST_TRAFFIC;
use super::tabu::{Dense, MOST_PLACES};
use super::{Flow, MOST_SLOTS, Mesh};
use crate::diag::{Problem, Problems, Result};

/// A quadratic assignment as QAPLIB stores it: `cost = sum over i, j of a[i][j] * b[p(i)][p(j)]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Qap {
    /// The file that it was read from; its problems are named after it.
    pub file: String,
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
            .help("give larger problems as a list of traffic: 'n side', then 'u v traffic' lines")
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
        if !(-MOST_TRAFFIC..=MOST_TRAFFIC).contains(&value) {
            return Err(Problem::invalid("place/number", at(file, word.0), format!("'{}' is too large", word.1))
                .limit(format!("{MOST_TRAFFIC:e}, so that every cost is finite"))
                .help("scale the matrix down")
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
    Ok(Qap { file: file.to_owned(), n, a: values, b })
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
        Err(Problem::invalid("place/grid", &self.file, "neither matrix can be a distance between places")
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

    /// The traffic, the grid as a mesh whose other slots are blocked, and the number of the place in each slot.
    ///
    /// # Errors
    /// `place/flow` where traffic is negative, `place/size` where there is no grid.
    pub fn problem(&self, grid: &Grid) -> Result<(Flow, Mesh, Vec<u32>)> {
        let dense = self.dense(grid);
        let pairs = (0..self.n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let list = pairs.map(|(i, j)| (i as u32, j as u32, dense.flow[i * self.n + j]));
        let list: Vec<_> = list.filter(|edge| edge.2 != 0.0).collect();
        let flow = Flow::new(self.n, &list, &self.file)?;
        let mut mesh = Mesh::new(grid.size.0, grid.size.1, &self.file)?;
        mesh.free.fill(false);
        let mut number = vec![u32::MAX; mesh.slots()];
        for (place, &(x, y)) in grid.cells.iter().enumerate() {
            let slot = y as usize * mesh.width + x as usize;
            mesh.free[slot] = true;
            number[slot] = place as u32;
        }
        Ok((flow, mesh, number))
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
/// A mesh with blocked cores has no distance far above the number of its cores: larger ones are no grid, so that the
/// mesh stays in proportion to the file.
fn embed(matrix: &[f64], n: usize) -> Option<Cells> {
    let mut d = vec![0_i64; n * n];
    for i in 0..n {
        for j in 0..n {
            let x = matrix[i * n + j];
            let fits = x.fract() == 0.0 && x == matrix[j * n + i] && (i == j) == (x == 0.0);
            if !fits || !(0.0..=2.0 * n as f64).contains(&x) {
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

/// Whether a file's first line is that of a list of traffic, "n side": QAPLIB writes n alone.
#[must_use]
pub fn is_traffic(text: &str) -> bool {
    let first = text.lines().map(content).find(|line| !line.is_empty());
    first.is_some_and(|line| line.split_whitespace().count() == 2)
}

/// A line of a list without its comment.
fn content(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

/// Reads a list of traffic: "n side", then "u v w" lines; `#` begins a comment. A file with "n" alone takes the `side`
/// given here.
///
/// # Errors
/// `place/number`, `place/length`, `place/size`, `place/flow` with the line; `place/side` where the file's own side is
/// another one than `side`, or where there is none.
pub fn read_traffic(text: &str, file: &str, side: Option<usize>) -> Result<(Flow, usize)> {
    let mut list = Vec::new();
    let mut head = None;
    for (index, line) in text.lines().enumerate() {
        let parts: Vec<(usize, &str)> = content(line).split_whitespace().map(|word| (index + 1, word)).collect();
        let Some(&first) = parts.first() else { continue };
        let place = at(file, first.0);
        let Some((n, _)) = head else {
            head = Some(read_head(&parts, file, side)?);
            continue;
        };
        let [u, v, w] = parts[..] else {
            return Err(wrong(place, parts.len(), "3 numbers: two clusters and their traffic"));
        };
        let (u, v): (u32, u32) = (number(file, u, "cluster")?, number(file, v, "cluster")?);
        let w: f64 = number(file, w, "traffic")?;
        Flow::check(n, (u, v, w), &place)?;
        list.push((u, v, w));
    }
    let Some((n, side)) = head else {
        return Err(Problem::invalid("place/length", file, "the file is empty")
            .help("the first line is 'n side', every other one 'u v w'")
            .into());
    };
    Ok((Flow::joined(n, &list), side))
}

fn wrong(place: String, count: usize, limit: &str) -> Problems {
    Problem::invalid("place/length", place, format!("{count} numbers in this line"))
        .limit(limit.to_owned())
        .help("the first line is 'n side', every other one 'u v w'")
        .into()
}

/// The first line of a list: clusters and side.
fn read_head(parts: &[(usize, &str)], file: &str, given: Option<usize>) -> Result<(usize, usize)> {
    let place = at(file, parts[0].0);
    let (n, side) = match *parts {
        [n] => (n, None),
        [n, side] => (n, Some(number::<usize>(file, side, "side of a mesh")?)),
        _ => return Err(wrong(place, parts.len(), "2 numbers: clusters and side of the mesh")),
    };
    let n: usize = number(file, n, "count of clusters")?;
    if n == 0 || n > MOST_SLOTS {
        return Err(Problem::invalid("place/size", place, format!("{n} clusters"))
            .limit(format!("1 to {MOST_SLOTS} clusters"))
            .help("correct the first line")
            .into());
    }
    match (side, given) {
        (Some(side), Some(given)) if side != given => {
            Err(Problem::invalid("place/side", place, format!("a side of {side}, but --side {given}"))
                .help("leave --side out, or correct the first line: it is 'n side'")
                .into())
        }
        (Some(side), _) | (None, Some(side)) => Ok((n, side)),
        (None, None) => Err(Problem::invalid("place/side", place, "no side of the mesh in the first line")
            .help("write 'n side', or give --side")
            .into()),
    }
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
        assert!(tell("2\n0 1\n1 0\n0 1e200\n1e200 0\n").contains("x.dat:4: '1e200'"));
        let tell = |text: &str| read_traffic(text, "x.txt", None).expect_err(text).to_string();
        assert!(tell("4 2\n0 1 1\n0 4 1\n").contains("x.txt:3"));
        assert!(tell("4 2\n0 1\n").contains("x.txt:2"));
        assert!(tell("4 2\n0 1 -1\n").contains("x.txt:2"));
        assert!(tell("4\n").contains("[place/side]: x.txt:1"));
        assert!(tell("4 2 1\n").contains("x.txt:1"));
        assert!(tell("4 2\n0 1 nan\n").contains("x.txt:2"));
    }

    #[test]
    fn the_side_is_the_files_or_the_given_one_but_not_both() {
        let side = |text: &str, given| read_traffic(text, "x.txt", given).map(|found| found.1);
        assert_eq!(side("4 2\n", None), Ok(2));
        assert_eq!(side("4 2\n", Some(2)), Ok(2));
        assert_eq!(side("# four\n4\n", Some(3)), Ok(3));
        assert!(side("4 2\n", Some(3)).expect_err("differs").has("place/side"));
        assert!(is_traffic("# a list\n\n4 2 # here\n0 1 1\n"));
        assert!(!is_traffic("4\n0 1 1 1\n") && !is_traffic(""));
    }

    #[test]
    fn distances_out_of_proportion_are_no_grid() {
        let line = |far: i32| distances(&[(0, 0), (far, 0), (2 * far, 0)]);
        assert!(embed(&line(3), 3).is_some());
        for far in [4, 500_000, 1_000_000_000] {
            let qap = Qap { file: "l.dat".to_owned(), n: 3, a: line(far), b: vec![0.0; 9] };
            let grid = qap.grid().expect("a distance matrix");
            assert!(grid.cells.is_empty());
            assert!(qap.problem(&grid).expect_err("no mesh").to_string().contains("l.dat"));
        }
    }
}
