"""The whole way once: train a small model, evaluate the saved weights, predict a few pictures; then pretrained weights.

make demo                  # handwritten digits, offline, about a minute on two cores
make demo DATA=<folder>    # CIFAR-10, found in that folder
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from PIL import Image

from cifarzoo import data, weights

MODEL = "baseline_cnn"
PICTURES = 5
LEAST_TOP1 = {"digits": 97.0, "cifar10": 60.0}  # percent: below it something is broken
CIFAR10_RECIPE = ("--images", "10000", "--epochs", "6", "--batch-size", "100")
DRAWN = sorted((Path(__file__).parent / "pictures").glob("*.png"))  # what nobody has to be asked for
COMMAND = Path(sys.executable).with_name("cifarzoo")


def shown(path: Path) -> str:
    """A path as one would type it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def cifarzoo(*arguments: str | Path) -> None:
    """Show a command, run it, and leave if it fails."""
    words = [shown(word) if isinstance(word, Path) else word for word in arguments]
    print(f"\n$ {shlex.join([shown(COMMAND), *words])}", flush=True)
    done = subprocess.run([sys.executable, "-m", "cifarzoo", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def write_pictures(dataset: data.Dataset, folder: Path) -> list[Path]:
    """Write an image of each of a few classes as a PNG file that is named after its class."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for label in range(PICTURES):
        image = dataset.images[dataset.targets.eq(label).nonzero()[0, 0]]  # (3, H, W)
        paths.append(folder / f"{dataset.class_names[label]}.png")
        Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(paths[-1])
    return paths


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", help="a folder that holds CIFAR-10; digits are used without it")
    parser.add_argument("--output", type=Path, default=Path("demo-run"), help="where to write (demo-run)")
    parser.epilog = "Further options go to `cifarzoo train`."
    options, further = parser.parse_known_args()
    name = "cifar10" if options.data_root else "digits"
    source = ("--data", name, *(("--root", options.data_root) if options.data_root else ()))
    recipe = CIFAR10_RECIPE if options.data_root else ()
    run = options.output / name

    cifarzoo("train", MODEL, *source, *recipe, *further, "--output", run, "--resume", "never")
    cifarzoo("eval", run, *source)
    pictures = write_pictures(data.open(name, options.data_root, "test"), run / "pictures")
    cifarzoo("predict", *pictures, "--model", run, "--top", "2")
    if weights.names():
        cifarzoo("predict", *DRAWN, "--top", "3", "--output", options.output / "seen.png")

    top1 = json.loads((run / "model.json").read_text())["top1"]
    print(f"\n{top1:.2f} % of the test images are classified correctly.")
    print(f"  the weights   {run / 'model.safetensors'}, described in {run / 'model.json'}")
    print(f"  the curve     {run / 'loss.png'}")
    if weights.names():
        print(f"  what pretrained weights see in drawings: {options.output / 'seen.png'}")
    print("\nNext:")
    print(f"  {shown(COMMAND)} list")
    print(f"  {shown(COMMAND)} info resnet17")
    if not options.data_root:
        print("  make demo DATA=<a folder that holds cifar-10-batches-bin>")
    print(f"  {shown(COMMAND)} train wide_residual_cnn --data cifar10 --root <folder> --epochs 4 --output runs/wide")
    if top1 < LEAST_TOP1[name]:
        sys.exit(f"the accuracy is below {LEAST_TOP1[name]:.0f} %: something is broken")


if __name__ == "__main__":
    main()
