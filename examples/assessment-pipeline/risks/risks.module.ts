import { Module } from '@nestjs/common';
import { RisksComponent } from './risks.component.js';

@Module({ providers: [RisksComponent], exports: [RisksComponent] })
export class RisksModule {}
