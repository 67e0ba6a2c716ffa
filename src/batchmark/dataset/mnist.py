"""The four files of MNIST: names, and the SHA-256 sums of their unpacked bytes."""

NAME = "mnist"

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

# Small files first: a mirror that does not serve is found out before much is loaded.
FILES = (TEST_LABELS, TRAIN_LABELS, TEST_IMAGES, TRAIN_IMAGES)

SUMS = {
    TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# A little above the largest of the four, 47,040,016 bytes.
LARGEST_FILE = 48 * 2**20
