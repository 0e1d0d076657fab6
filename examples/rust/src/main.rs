// Streaming from Rust: a GRU hears a sequence at once, then one step at a time with its state carried by the caller.
// Both give the same but for the last bits: a call's shape may order the sums. usage: streaming [HIDDEN_SIZE]
#[rustfmt::skip] // wide lines: the C structs stay as they stand in rondo.h
mod rondo;

const STEPS: usize = 8;
const ROWS: usize = 2;
const INPUT: usize = 3;

/// The last output, and the largest difference between one call over all steps and one call for every step.
fn both_ways(hidden: usize) -> rondo::Result<(f32, f32)> {
    let mut gru = rondo::Gru::new(INPUT, hidden, STEPS, ROWS, 1)?;
    let state_bytes = ROWS * hidden * std::mem::size_of::<f32>();
    print!("gru {} -> {}: {} parameters, ", INPUT, hidden, gru.params().len());
    println!("workspace {} bytes, state {}", gru.workspace_bytes(), state_bytes);

    let x: Vec<f32> = (0..STEPS * ROWS * INPUT).map(|k| (k as f32).sin()).collect();
    let mut at_once = vec![0.0; STEPS * ROWS * hidden];
    let mut state = vec![0.0; ROWS * hidden];
    gru.forward([STEPS, ROWS], &x, None, &mut at_once, &mut state)?;

    let mut worst = 0.0f32;
    let mut y = vec![0.0; ROWS * hidden];
    let mut next = vec![0.0; ROWS * hidden]; // outputs alias no input: the state has two places, used in turn
    state.fill(0.0);
    for (x, expected) in x.chunks(ROWS * INPUT).zip(at_once.chunks(ROWS * hidden)) {
        gru.forward([1, ROWS], x, Some(&state), &mut y, &mut next)?;
        std::mem::swap(&mut state, &mut next);
        worst = y.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
    }
    Ok((at_once[at_once.len() - 1], worst))
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let hidden = std::env::args().nth(1).map_or(Ok(6), |text| text.parse())?;
    let (last, worst) = both_ways(hidden)?;
    println!("{} steps at once and one by one: y ends at {:.6}, {:.1e} apart at most", STEPS, last, worst);
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("streaming: {}", error);
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_once_is_step_by_step() {
        let (last, worst) = both_ways(6).unwrap();
        assert!(worst < 1e-6, "{}", worst);
        assert!(last.abs() > 1e-3 && last.abs() < 1.0, "{}", last);
    }

    #[test]
    fn the_state_matters() {
        let mut gru = rondo::Gru::new(INPUT, 4, 1, 1, 1).unwrap();
        let (mut y, mut z, mut hn) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        gru.forward([1, 1], &[0.5; 3], None, &mut y, &mut hn).unwrap();
        gru.forward([1, 1], &[0.5; 3], Some(&[0.9; 4]), &mut z, &mut hn).unwrap();
        assert!(y != z && z == hn);
    }

    #[test]
    fn refusals_name_value_and_expectation() {
        let text = rondo::Gru::new(INPUT, 0, 1, 1, 1).err().unwrap();
        assert!(text.contains("hidden_size is 0, expected 1 to "), "{}", text);
        let mut gru = rondo::Gru::new(INPUT, 4, STEPS, ROWS, 1).unwrap();
        let (mut y, mut hn) = ([0.0; 12], [0.0; 12]);
        let text = gru.forward([1, 2], &[0.0; 5], None, &mut y, &mut hn).unwrap_err();
        assert_eq!(text, "x has 5 elements, expected those of [1, 2, 3]");
        let text = gru.forward([1, 3], &[0.0; 9], None, &mut y, &mut hn).unwrap_err();
        assert!(text.contains("N is 3, expected 0 to 2"), "{}", text);
    }
}
