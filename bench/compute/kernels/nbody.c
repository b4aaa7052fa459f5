// SPDX-License-Identifier: MIT
// Gravity between five bodies.
#include <math.h>
#include <stdint.h>
struct Body {
  double x, y, z, vx, vy, vz, mass;
};
static struct Body bodies[5] = {{0, 0, 0, 0, 0, 0, 39.5},
                                {4.8, -1.2, -0.1, 0.6, 2.8, -0.02, 0.038},
                                {8.3, 4.1, -0.4, -1.0, 1.8, 0.008, 0.011},
                                {12.9, -15.1, -0.2, 1.1, 0.9, -0.01, 0.0017},
                                {15.4, -25.9, 0.2, 1.0, 0.6, -0.03, 0.002}};

uint64_t kernel(uint32_t repeat) {
  for (uint32_t step = 0; step < repeat * 10000; step++) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        struct Body *a = &bodies[i], *b = &bodies[j];
        const double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
        const double distance = dx * dx + dy * dy + dz * dz;
        const double force = 0.01 / (distance * sqrt(distance));
        a->vx -= dx * b->mass * force, a->vy -= dy * b->mass * force, a->vz -= dz * b->mass * force;
        b->vx += dx * a->mass * force, b->vy += dy * a->mass * force, b->vz += dz * a->mass * force;
      }
    for (int i = 0; i < 5; i++) {
      bodies[i].x += 0.01 * bodies[i].vx;
      bodies[i].y += 0.01 * bodies[i].vy;
      bodies[i].z += 0.01 * bodies[i].vz;
    }
  }
  uint64_t bits;
  __builtin_memcpy(&bits, &bodies[0].x, sizeof bits);
  return bits;
}
