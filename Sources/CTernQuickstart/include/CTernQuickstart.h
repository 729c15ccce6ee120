// The quickstart's models and data, embedded in the program so that it runs from anywhere.
//
// All were made by the scripts in Tests/Fixtures/training. Each symbol is a whole file.
#ifndef CTERNQUICKSTART_H
#define CTERNQUICKSTART_H

#include <stddef.h>

/// A file's bytes.
typedef struct {
    const unsigned char *bytes;
    size_t byte_count;
} tern_quickstart_file;

/// A convolutional network for handwritten digits, as ONNX.
extern const tern_quickstart_file tern_quickstart_digits_model;
/// A linear regression, as ONNX.
extern const tern_quickstart_file tern_quickstart_regression_model;
/// 450 images of digits that the network was not trained on, as .npy.
extern const tern_quickstart_file tern_quickstart_digits_images;
/// What the images show, as .npy.
extern const tern_quickstart_file tern_quickstart_digits_labels;
/// Inputs of the regression, as .npy.
extern const tern_quickstart_file tern_quickstart_regression_inputs;
/// What the closed form of the regression gives for them, as .npy.
extern const tern_quickstart_file tern_quickstart_regression_expected;

#endif
